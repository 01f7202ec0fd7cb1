-- Made from proto/pubsub.proto by bindings/lua/generate; do not edit.
return [[
syntax = "proto3";
option java_package = "org.apache.apisix.api.pubsub";
option java_outer_classname = "PubSubProto";
option java_multiple_files = true;
option go_package = "github.com/apache/apisix/api/pubsub;pubsub";
message PubSubReq {
    int64 sequence = 1;
    oneof req {
        CmdEmpty cmd_empty = 31;
        CmdPing cmd_ping = 32;
        CmdKafkaFetch cmd_kafka_fetch = 33;
        CmdKafkaListOffset cmd_kafka_list_offset = 34;
        CmdSubscribe cmd_subscribe = 101;
        CmdUnsubscribe cmd_unsubscribe = 102;
        CmdGrant cmd_grant = 103;
        CmdPause cmd_pause = 104;
        CmdMetadata cmd_metadata = 105;
        CmdProduce cmd_produce = 110;
    }
}
message CmdEmpty {
}
message CmdPing {
    bytes state = 1;
}
message CmdKafkaFetch {
    string topic = 1;
    int32 partition = 2;
    int64 offset = 3;
    int32 max_bytes = 101;
    int32 max_wait_ms = 102;
    int32 min_bytes = 103;
    IsolationLevel isolation = 104;
}
message CmdKafkaListOffset {
    string topic = 1;
    int32 partition = 2;
    int64 timestamp = 3;
}
message CmdSubscribe {
    repeated Subscription subscriptions = 1;
    optional int64 credit_messages = 2;
    optional int64 credit_bytes = 3;
    IsolationLevel isolation = 4;
    int32 max_bytes = 5;
    bool skip_unreadable = 6;
}
message Subscription {
    string topic = 1;
    repeated int32 partitions = 2;
    oneof start {
        LogEnd end = 3;
        int64 offset = 4;
        int64 timestamp = 5;
    }
}
message CmdUnsubscribe {
    int64 subscription = 1;
}
message CmdGrant {
    int64 subscription = 1;
    int64 messages = 2;
    int64 bytes = 3;
}
message CmdPause {
    int64 subscription = 1;
    bool resume = 2;
}
message CmdMetadata {
    repeated string topics = 1;
}
message CmdProduce {
    repeated ProduceRecord records = 1;
    Acks acks = 2;
    bytes id = 3;
    enum Acks {
        ACKS_DEFAULT = 0;
        ACKS_LEADER = 2;
        ACKS_ALL = 3;
    }
}
message ProduceRecord {
    string topic = 1;
    optional int32 partition = 2;
    optional bytes key = 3;
    optional bytes value = 4;
    repeated KafkaHeader headers = 5;
    optional int64 timestamp = 6;
}
enum IsolationLevel {
    ISOLATION_LEVEL_DEFAULT = 0;
    READ_UNCOMMITTED = 1;
    READ_COMMITTED = 2;
}
enum LogEnd {
    LATEST = 0;
    EARLIEST = 1;
}
message PubSubResp {
    int64 sequence = 1;
    oneof resp {
        ErrorResp error_resp = 31;
        PongResp pong_resp = 32;
        KafkaFetchResp kafka_fetch_resp = 33;
        KafkaListOffsetResp kafka_list_offset_resp = 34;
        SubscribeResp subscribe_resp = 101;
        UnsubscribeResp unsubscribe_resp = 102;
        GrantResp grant_resp = 103;
        PauseResp pause_resp = 104;
        MetadataResp metadata_resp = 105;
        ProduceResp produce_resp = 110;
    }
}
message ErrorResp {
    int32 code = 1;
    string message = 2;
    bool retriable = 101;
    optional int64 log_start_offset = 102;
    optional int64 high_watermark = 103;
    string cause = 105;
    optional int64 next_offset = 106;
}
message PongResp {
    bytes state = 1;
}
message KafkaMessage {
    int64 offset = 1;
    int64 timestamp = 2;
    optional bytes key = 3;
    optional bytes value = 4;
    repeated KafkaHeader headers = 101;
    bool append_time = 102;
}
message KafkaHeader {
    string key = 1;
    optional bytes value = 2;
}
message KafkaFetchResp {
    repeated KafkaMessage messages = 1;
    optional int64 next_offset = 101;
    optional int64 high_watermark = 102;
    optional int64 log_start_offset = 103;
    optional int64 last_stable_offset = 104;
}
message KafkaListOffsetResp {
    int64 offset = 1;
    optional int64 timestamp = 101;
}
message SubscribeResp {
    repeated KafkaMessage messages = 1;
    string topic = 2;
    int32 partition = 3;
    optional int64 next_offset = 4;
    optional int64 high_watermark = 5;
    optional int64 log_start_offset = 6;
    optional int64 last_stable_offset = 7;
    repeated PartitionStart starts = 8;
    ErrorResp error = 9;
    SkippedRecords skipped = 18;
}
message PartitionStart {
    string topic = 1;
    int32 partition = 2;
    int64 next_offset = 3;
    Outcome outcome = 4;
    string reason = 5;
    enum Outcome {
        AS_ASKED = 0;
        RESUMED = 1;
        BEGUN_ANEW = 2;
        WAITS = 3;
    }
}
message SkippedRecords {
    int64 offset = 1;
    ErrorResp error = 2;
}
message UnsubscribeResp {
    int64 subscription = 1;
}
message GrantResp {
    int64 subscription = 1;
    optional int64 messages = 2;
    optional int64 bytes = 3;
}
message PauseResp {
    int64 subscription = 1;
    bool paused = 2;
}
message MetadataResp {
    repeated TopicMetadata topics = 1;
}
message TopicMetadata {
    string topic = 1;
    repeated PartitionMetadata partitions = 2;
    int32 code = 3;
}
message PartitionMetadata {
    int32 partition = 1;
    int32 code = 2;
}
message ProduceResp {
    repeated ProduceResult results = 1;
    bool compared = 2;
}
message ProduceResult {
    int32 partition = 1;
    int64 offset = 2;
    int64 timestamp = 3;
    ErrorResp error = 4;
}
]]
