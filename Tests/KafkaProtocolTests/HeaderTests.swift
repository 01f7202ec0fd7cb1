import Bytes
import KafkaMirror
import KafkaProtocol
import KafkaTestCodecs
import Testing

@Suite struct HeaderTests {
    private func frame(_ request: some KafkaRequest, _ version: Int16) -> String {
        var w = ByteWriter()
        request.encodeFrame(&w, version: version, correlationID: 7, clientID: "me")
        return hex(w.array)
    }

    @Test func theClientIDIsNotCompactInEitherHeader() {
        // Length, key 18, version, correlation id, client id; then a tag section from version 3 on.
        #expect(frame(ApiVersionsRequest(), 0) == "0000000c" + "0012000000000007" + "00026d65")
        let named = ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1")
        #expect(
            frame(named, 3) == "00000012" + "0012000300000007" + "00026d65" + "00"
                + "0261" + "0231" + "00")
    }

    @Test func theResponseHeaderOfApiVersionsNeverHasTags() {
        #expect(!ApiVersionsResponse.hasFlexibleHeader(version: 4))
        #expect(FetchResponse.hasFlexibleHeader(version: 12))
        #expect(!FetchResponse.hasFlexibleHeader(version: 11))
        #expect(KafkaAPI.with(key: 18)?.hasFlexibleResponseHeader(version: 4) == false)
        #expect(KafkaAPI.with(key: 1)?.hasFlexibleResponseHeader(version: 12) == true)
        #expect(!SaslHandshakeResponse.hasFlexibleHeader(version: 1))
    }

    @Test func headersAreReadAgain() throws {
        for flexible in [false, true] {
            let version: Int16 = flexible ? 12 : 11
            let header = RequestHeader(
                apiKey: 1, apiVersion: version, correlationID: .max, clientID: nil)
            var w = ByteWriter()
            header.encode(&w, flexible: flexible)
            try w.withBytes { bytes in
                var r = ByteReader(bytes)
                let read = try RequestHeader.decode(&r)
                #expect(read == header)
                #expect(r.isAtEnd)
            }
        }
    }

    @Test func theListsOfMessagesAgree() {
        #expect(codecMessages.map { $0.request.apiKey } == KafkaAPI.all.map { $0.key })
        #expect(codecMessages.map { $0.response.apiKey } == KafkaAPI.all.map { $0.key })
        for (request, _) in codecMessages {
            let api = KafkaAPI.with(key: request.apiKey)
            #expect(api?.versions.clamped(to: request.versions) == request.versions)
            #expect(api?.flexibleFrom == request.flexibleFrom)
        }
    }

    @Test func aReaderNeverCreatesATopicByDefault() {
        #expect(MetadataRequest().allowAutoTopicCreation == false)
        #expect(MetadataRequest().topics == [])
    }

    @Test func stringsThatTheOlderFormCannotSayAreCut() throws {
        let long = String(repeating: "x", count: 40_000)
        var w = ByteWriter()
        w.string(long, flexible: false)
        w.string(long, flexible: true)
        try w.withBytes { bytes in
            var r = ByteReader(bytes)
            let cut = try r.string(flexible: false)
            let whole = try r.string(flexible: true)
            #expect(cut.utf8.count == 32_767)
            #expect(whole == long)
        }
    }
}

@Suite struct KafkaErrorTests {
    @Test func codesAreNamed() {
        #expect(KafkaError.offsetOutOfRange.rawValue == 1)
        #expect(KafkaError(6).name == "NOT_LEADER_OR_FOLLOWER")
        #expect(KafkaError(-1).name == "UNKNOWN_SERVER_ERROR")
        #expect(KafkaError(9_999).name == "KAFKA_ERROR_9999")
        #expect("\(KafkaError.rebootstrapRequired)" == "REBOOTSTRAP_REQUIRED")
    }

    @Test func reactions() {
        #expect(KafkaError.notLeaderOrFollower.reaction == .metadata)
        #expect(KafkaError.offsetOutOfRange.reaction == .position)
        #expect(KafkaError.fetchSessionIdNotFound.reaction == .session)
        #expect(KafkaError.topicAuthorizationFailed.reaction == .denied)
        #expect(KafkaError.saslAuthenticationFailed.reaction == .login)
        #expect(KafkaError(9_999).reaction == .refused)
        #expect(KafkaError.unknownLeaderEpoch.isRetriable)
        #expect(!KafkaError.none.isRetriable && !KafkaError.offsetOutOfRange.isRetriable)
    }
}

@Suite struct KafkaUUIDTests {
    @Test func printedAsKafkaDoes() {
        let id = KafkaUUID(high: 0x0001_0203_0405_0607, low: 0x0809_0a0b_0c0d_0e0f)
        #expect("\(id)" == "AAECAwQFBgcICQoLDA0ODw")
        #expect("\(KafkaUUID(high: .max, low: .max))" == "_____________________w")
        #expect("\(KafkaUUID.zero)" == "AAAAAAAAAAAAAAAAAAAAAA")
    }
}
