/* libFuzzer entry: no input may make the decoder read, write or leak what it should not. */
#include <stdint.h>
#include <stddef.h>
#include "plan.h"
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct plan plan;
  struct error err = {0};
  if (plan_parse(data, size, &plan, &err) == 0)
    plan_free(&plan);
  if (exec_plan_parse(data, size, &plan, &err) == 0)
    plan_free(&plan);
  if (network_plan_parse(data, size, &plan, &err) == 0)
    plan_free(&plan);
  return 0;
}
