import Synchronization

/// The loops of a process, one thread each.
package final class LoopGroup: Sendable {
    package let loops: [Loop]
    private let turn = Atomic<Int>(0)

    package init(count: Int, configuration: LoopConfiguration = LoopConfiguration()) throws(LoopError) {
        precondition(count > 0, "a group has at least one loop")
        var loops: [Loop] = []
        for index in 0..<count {
            var configuration = configuration
            configuration.name += "-\(index)"
            do {
                loops.append(try Loop(configuration: configuration))
            } catch {
                for loop in loops { loop.stop() }
                throw error
            }
        }
        self.loops = loops
    }

    package subscript(_ index: Int) -> Loop { loops[index % loops.count] }

    /// One loop after the other.
    package func next() -> Loop {
        let index = turn.add(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: index) % UInt(loops.count))]
    }

    /// The loop with the least load; the first of several.
    package func leastLoaded() -> Loop {
        var best = loops[0], bestLoad = best.load
        for loop in loops.dropFirst() {
            let load = loop.load
            if load < bestLoad { (best, bestLoad) = (loop, load) }
        }
        return best
    }

    /// Waits for every spawned task, then ends the threads. Not from a task on one of these loops.
    package func shutDown() async {
        for loop in loops { await loop.drain() }
        for loop in loops { loop.stop() }
    }
}
