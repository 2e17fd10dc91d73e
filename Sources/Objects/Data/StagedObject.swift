import Drives
import ObjectFormat

/// What staging made, slot by slot.
final class StagedObject: StagedData {
    let layout: DataLayout
    let slots: SlotMask
    private let attachments: [Attachment]
    /// By chunk, then by slot.
    private let chunks: [[Attachment]]
    private let stager: StripeStager

    init(
        layout: DataLayout, slots: SlotMask, attachments: [Attachment], chunks: [[Attachment]], stager: StripeStager
    ) {
        self.layout = layout
        self.slots = slots
        self.attachments = attachments
        self.chunks = chunks
        self.stager = stager
    }

    var chunkCount: Int { chunks.count }

    func attachment(slot: Int) -> Attachment { slot < attachments.count ? attachments[slot] : .none }

    func chunk(_ chunk: Int, slot: Int) -> Attachment {
        chunk < chunks.count && slot < chunks[chunk].count ? chunks[chunk][slot] : .none
    }

    func handedOver(to taken: SlotMask) { stager.handedOver(to: taken) }
}
