import type { Translated } from '../en/en.ts';
import type { volumes as source } from '../en/volumes.ts';

export const volumes: Translated<typeof source> = {
  title: '볼륨',
  filter: '볼륨 필터',
  create: '볼륨 만들기',
  name: '이름',
  namePlaceholder: '비우면 엔진이 정합니다',
  nameInvalid: '영문자, 숫자, _ . - 두 글자 이상이며 기호로 시작할 수 없습니다',
  created: '{{name}} 볼륨을 만들었습니다',
  mountpoint: '호스트 경로',
  anonymous: '익명',
  emptyTitle: '아직 볼륨이 없습니다',
  emptyBody: '볼륨은 컨테이너가 사라져도 데이터를 보존합니다. 여기서 또는 실행 대화상자에서 만드세요.',
  removeNamed: '{{name}} 삭제',
  removeTitle: '{{name}} 볼륨을 삭제할까요?',
  removeBody: '볼륨 안의 모든 데이터가 삭제됩니다. 되돌릴 수 없습니다.',
  removeLoss: '{{name}}의 데이터 {{size}}',
  removed: '{{name}} 볼륨을 삭제했습니다',
  removeFailed: '{{name}} 볼륨을 삭제하지 못했습니다',
  pruneTitle: '사용하지 않는 익명 볼륨을 삭제할까요?',
  pruneBody:
    '어떤 컨테이너도 쓰지 않는 익명 볼륨과 그 데이터를 모두 삭제합니다. 이름이 있는 볼륨은 남습니다.',
};
