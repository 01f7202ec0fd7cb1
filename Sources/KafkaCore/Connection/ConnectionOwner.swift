/// Who has opened a connection.
protocol ConnectionOwner: AnyObject {
    /// The broker has answered a request that was not of the set-up; `isFirst`: of the connection.
    func answered(_ connection: BrokerConnection, isFirst: Bool)
}
