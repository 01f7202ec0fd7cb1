/// Above the producers: the way from the name of a topic to its partitions, and of what answers
/// tell of leaders to the metadata.
protocol ProduceRouter: TopicRouter {}
