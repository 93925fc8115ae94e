#!/bin/sh
# Submits a task over REST, waits for its end and prints its record.
#
#     submit.sh MODEL INPUT        INPUT is JSON, such as '"hello"'
#
# GATEWAY_URL says where the gateway is, http://127.0.0.1:7070 unless set. Ends with 0 if the task completed.
set -eu

gateway=${GATEWAY_URL:-http://127.0.0.1:7070}
task=curl-$(date +%s)-$$

# The same again is safe: there is one task per id. So curl may try again whenever it got no answer, or a
# 503, which says when in Retry-After.
curl --silent --show-error --fail-with-body --retry 5 --retry-connrefused \
    --header 'Content-Type: application/json' \
    --data "{\"task_id\": \"$task\", \"model\": \"$1\", \"input\": $2}" \
    "$gateway/v1/tasks" >&2
echo >&2

# 202 as long as it has not ended, 200 with its record once it has.
status=202
while [ "$status" = 202 ]; do
    answer=$(curl --silent --show-error --retry 5 --retry-connrefused --write-out '\n%{http_code}' \
        "$gateway/v1/tasks/$task/result?wait=30")
    status=${answer##*
}
done
echo "${answer%
*}"
case $answer in
*'"state":"completed"'*) ;;
*) exit 1 ;;
esac
