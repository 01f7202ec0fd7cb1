import Bytes
import KafkaMirror
import KafkaProtocol

extension BrokerCluster {
    func apiVersions(_ request: ApiVersionsRequest, _ context: RequestContext) -> Outcome {
        if context.version >= 3 {
            guard isSoftwareName(request.clientSoftwareName),
                isSoftwareName(request.clientSoftwareVersion)
            else {
                return context.reply(
                    ApiVersionsResponse(errorCode: KafkaError.invalidRequest.rawValue))
            }
            context.connection.facts.software =
                "\(request.clientSoftwareName) \(request.clientSoftwareVersion)"
        }
        if let code = context.injectedError() {
            return context.reply(ApiVersionsResponse(errorCode: code))
        }
        return context.reply(everything(context))
    }

    private func everything(_ context: RequestContext) -> ApiVersionsResponse {
        var response = ApiVersionsResponse(throttleTimeMilliseconds: context.throttleMilliseconds)
        response.apiKeys = advertised.map {
            .init(
                apiKey: $0.key, minVersion: $0.versions.lowerBound,
                maxVersion: $0.versions.upperBound)
        }
        let features = settings.profile.finalizedFeatures
        guard !features.isEmpty else { return response }
        // Version 3 does not say that a feature may be at level 0 (KIP-584).
        response.supportedFeatures = features.map {
            .init(name: $0.name, minVersion: context.version >= 4 ? 0 : 1, maxVersion: $0.level)
        }
        response.finalizedFeaturesEpoch = featuresEpoch
        response.finalizedFeatures = finalizedFeatures
        return response
    }

    /// A feature of level 0 is not among them.
    private var finalizedFeatures: [ApiVersionsResponse.FinalizedFeature] {
        settings.profile.finalizedFeatures.compactMap { feature in
            let isChanged = feature.name == "transaction.version"
            let level = isChanged ? transactionVersion : feature.level
            guard level > 0 else { return nil }
            return .init(name: feature.name, maxVersionLevel: level, minVersionLevel: level)
        }
    }

    /// KIP-511: an unknown version is answered in the form of version 0, with the range of
    /// ApiVersions itself; releases before 2.4 leave the list empty.
    func unsupportedApiVersions(_ context: RequestContext) -> Outcome {
        var writer = ByteWriter(capacity: 32)
        writer.int32(0)
        writer.int32(context.header.correlationID)
        writer.int16(KafkaError.unsupportedVersion.rawValue)
        if settings.profile != .kafka2_1, let versions = served(ApiVersionsRequest.apiKey) {
            writer.int32(1)
            writer.int16(ApiVersionsRequest.apiKey)
            writer.int16(versions.lowerBound)
            writer.int16(versions.upperBound)
        } else {
            writer.int32(0)
        }
        writer.patchInt32(Int32(writer.count - 4), at: 0)
        return .reply(writer.take())
    }

    /// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`
    private func isSoftwareName(_ name: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
                || (0x61...0x7a).contains(byte)
        }
        guard let first = name.utf8.first, let last = name.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && name.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
            }
    }
}
