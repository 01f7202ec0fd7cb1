/// What a request in flight is for; comes back with its response, or with its loss.
enum Errand {
    case metadata(MetadataQuestion)
    case listOffsets(OffsetBatch)
    case pointRead(PointFetch)
    case tail(TailFetch)
}
