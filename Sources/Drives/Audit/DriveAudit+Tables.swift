import Runtime

/// The index: every block of every table by its checksum.
extension DriveAudit {
    /// False when rows can't be walked through.
    func auditTables(_ state: ManifestState) async -> Bool {
        let released = ReleasedTables()
        let before = report.damages.count + report.unlisted
        for number in state.tables.keys.sorted() {
            guard let record = state.tables[number] else { continue }
            report.tables += 1
            let table = SortedTable(record, io: io, released: released)
            do throws(DriveError) {
                try await table.open(pool)
                await dataBlocks(of: table)
                await otherBlocks(of: table)
            } catch { note(error, .table, table.path, "") }
            await table.close()
            did(.tables, Int(clamping: record.fileBytes))
        }
        return report.damages.count + report.unlisted == before
    }

    private func dataBlocks(of table: SortedTable) async {
        guard let contents = table.contents else { return }
        let end = contents.footer.dataPages
        var page: UInt32 = 0
        // Damage is reported where it begins; behind it the next whole block is looked for.
        var isLost = false
        while page < end {
            do throws(DriveError) {
                let pages = try await pageCount(table, page, end)
                _ = try await table.read(page, pages, .data, pool)
                page += pages
                isLost = false
            } catch {
                if !isLost { note(error, .table, table.path, "page \(page)") }
                isLost = true
                page += 1
            }
        }
    }

    /// Pages of the block that begins at `page`, as its header says; the checksum comes after.
    private func pageCount(_ table: SortedTable, _ page: UInt32, _ end: UInt32) async throws(DriveError) -> UInt32 {
        let buffer = pool.take(TableFormat.pageBytes)
        defer { withExtendedLifetime(buffer) {} }
        try await table.readRaw(page, into: buffer, bytes: TableFormat.pageBytes)
        let count = TableFormat.pageCount(of: buffer.slice(0, TableFormat.pageBytes).bytes)
        guard count > 0, count <= Int(end - page) else {
            throw .checksumMismatch(what: "a block's header does not fit its place")
        }
        return UInt32(count)
    }

    private func otherBlocks(of table: SortedTable) async {
        guard let contents = table.contents else { return }
        let footer = contents.footer
        for block in 0..<footer.filterBlocks {
            let page = footer.filterPage + block * footer.filterBlockPages
            await check(table, page, footer.filterBlockPages, .filter)
        }
        for index in 0..<contents.top.count {
            do throws(DriveError) {
                let place = try contents.top.place(index)
                guard place.pages > 0, UInt64(place.page) + UInt64(place.pages) <= UInt64(footer.indexPages) else {
                    throw DriveError.damagedFormat(what: "the top index names a block outside of the table")
                }
                await check(table, footer.indexPage + place.page, place.pages, .index)
            } catch { note(error, .table, table.path, "page \(footer.topPage)") }
        }
    }

    private func check(_ table: SortedTable, _ page: UInt32, _ pages: UInt32, _ kind: TableFormat.BlockKind) async {
        do throws(DriveError) { _ = try await table.read(page, pages, kind, pool) } catch {
            note(error, .table, table.path, "page \(page)")
        }
    }
}
