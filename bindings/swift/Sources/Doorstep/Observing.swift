import DoorstepBindings

/// Observing. Streams go on over a suspension, and end when this client is shut down or when nobody iterates any more.
extension Doorstep {
    /// Yields at once, then after every change that a screen should show: something recorded here, synced, locked, resumed. Many changes in
    /// a row may be one.
    public func changes() -> AsyncStream<Void> {
        let (stream, news) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let listener = Listener(client, news)
        // Shut down, there is nothing to tell any more.
        guard listening != nil, let subscription = try? client.listen(listener: listener) else {
            news.finish()
            return stream
        }
        listener.changed()
        let id = ObjectIdentifier(subscription)
        listening?[id] = news
        news.onTermination = { [weak self] _ in
            subscription.cancel()
            Task { await self?.forget(id) }
        }
        return stream
    }

    /// ``allCases(_:)`` now and whenever they are others. Fails as that call would; waits over a suspension.
    public func caseUpdates(_ filter: CaseFilter = CaseFilter()) -> AsyncThrowingStream<[CaseSummary], any Error> {
        updates { try await $0.allCases(filter) }
    }

    /// ``case(_:)`` now and whenever it is another. Fails as that call would; waits over a suspension.
    public func caseUpdates(of waybill: String) -> AsyncThrowingStream<CaseDetail?, any Error> {
        updates { try await $0.case(waybill: waybill) }
    }

    /// ``unsent()`` now and whenever it is another. Fails as that call would; waits over a suspension.
    public func unsentUpdates() -> AsyncThrowingStream<UnsentSummary, any Error> {
        updates { try await $0.unsent() }
    }

    private func forget(_ id: ObjectIdentifier) {
        listening?[id] = nil
    }

    private func updates<Shown: Equatable & Sendable>(
        _ read: @escaping @Sendable (DoorstepClient) async throws -> Shown
    ) -> AsyncThrowingStream<Shown, any Error> {
        let (stream, news) = AsyncThrowingStream.makeStream(of: Shown.self, throwing: (any Error).self, bufferingPolicy: .bufferingNewest(1))
        let reading = Task { [client, changes = changes()] in
            var last: Shown?
            for await _ in changes {
                do {
                    let now = try await read(client)
                    if now != last { news.yield(now) }
                    last = now
                } catch DoorstepError.Suspended {
                    continue  // Resuming is a change.
                } catch DoorstepError.Closed {
                    break
                } catch {
                    return news.finish(throwing: error)
                }
            }
            news.finish()
        }
        news.onTermination = { _ in reading.cancel() }
        return stream
    }
}

/// Tells a stream.
private final class Listener: ChangeListener {
    private let client: DoorstepClient
    private let news: AsyncStream<Void>.Continuation

    init(_ client: DoorstepClient, _ news: AsyncStream<Void>.Continuation) {
        self.client = client
        self.news = news
    }

    /// Shutting down is the last change. It may have been done elsewhere, through another `Doorstep` on the same folder.
    func changed() {
        news.yield()
        if client.isClosed() { news.finish() }
    }
}
