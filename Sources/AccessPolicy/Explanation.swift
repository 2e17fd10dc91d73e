/// A decision with what every policy said: which statement applied, and why the others did not.
package struct AccessExplanation: Sendable {
    package struct Policy: Sendable {
        package var source: AccessDecision.Source
        package var document: PolicyDocument
        /// With an outcome for each statement.
        package var verdict: PolicyVerdict
    }
    package var decision: AccessDecision
    /// In the order in which they are asked for their denies.
    package var policies: [Policy]
}

extension PolicyCombination {
    package func explain(_ request: AccessRequest) -> AccessExplanation {
        var policies: [AccessExplanation.Policy] = []
        func ask(_ document: PolicyDocument, _ source: AccessDecision.Source) {
            policies.append(
                .init(source: source, document: document, verdict: document.evaluate(request, explaining: true)))
        }
        if let resource { ask(resource, .bucketPolicy) }
        for (index, document) in identity.enumerated() { ask(document, .identityPolicy(index)) }
        if let boundary { ask(boundary, .boundary) }
        for (index, document) in session.enumerated() { ask(document, .sessionPolicy(index)) }
        return AccessExplanation(decision: decide(request), policies: policies)
    }
}
