"""Our pub/sub codecs against Google's protobuf runtime and Python's json.

    python Tests/check_pubsub GENERATED BRIDGE [--cases N] [--seed N]

The bridge (Tests/PubSubBridge) answers one line for each line. Every comparison is made on random
cases from a seed that is printed; `--seed` replays a failing run.
"""

import trial  # first: it says where protoc's output lies
from binary_requests import check_binary_requests, check_hostile_requests, check_prefixes
from json_requests import check_hostile_json_requests, check_json_requests, check_text_requests
from json_texts import check_json_reader, check_numbers
from proto_file import check_comments, check_original
from record_cases import batch, every_record
from replies import check_replies, check_transcoder
from reply_cases import reply
from trial import options

check_original()
check_comments()
check_binary_requests()
check_hostile_requests()
check_prefixes()
check_json_requests()
check_text_requests()
check_hostile_json_requests()
check_replies("reply", [reply() for _ in range(options.cases // 2)])
check_replies("batch", [every_record()] + [batch() for _ in range(options.cases // 2)])
check_transcoder()
check_json_reader()
check_numbers()
trial.end()
