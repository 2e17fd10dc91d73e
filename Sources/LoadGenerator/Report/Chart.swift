import Glibc

/// A plot as SVG: lines or bars over one pair of axes.
struct Chart {
    struct Series {
        var name: String
        var points: [(x: Double, y: Double)]
    }
    enum Scale { case linear, logarithmic }
    enum Shape { case lines, bars }

    var title: String
    var xLabel: String
    var yLabel: String
    var series: [Series]
    var shape = Shape.lines
    var xScale = Scale.linear
    var yScale = Scale.linear
    /// Instead of those that the axis would choose.
    var xTicks: [(value: Double, label: String)]?

    private static let width = 720.0, height = 260.0
    private static let left = 62.0, right = 12.0, top = 12.0, bottom = 42.0
    /// Told apart by people who see few colours, on white and on black.
    static let colours = ["#3b7dd8", "#e08214", "#2a9d5c", "#c2408f", "#8a6fd1", "#7a7a7a"]

    private var points: [(x: Double, y: Double)] { series.flatMap(\.points) }

    func write(to page: inout Markup) {
        let points = points
        page.element("figure") { figure in
            figure.element("figcaption", text: title)
            guard !points.isEmpty else { return figure.element("p", text: "Nothing was measured.") }
            let x = Axis(points.map(\.x), xScale, startsAtZero: false, in: Self.left...(Self.width - Self.right))
            let y = Axis(
                points.map(\.y), yScale, startsAtZero: yScale == .linear, in: (Self.top...(Self.height - Self.bottom)),
                isReversed: true)
            figure.element(
                "svg",
                [
                    ("xmlns", "http://www.w3.org/2000/svg"), ("viewBox", "0 0 \(Int(Self.width)) \(Int(Self.height))"),
                    ("role", "img"), ("aria-label", title),
                ]
            ) { picture in
                writeAxes(x, y, to: &picture)
                for (index, series) in series.enumerated() where !series.points.isEmpty {
                    let colour = Self.colours[index % Self.colours.count]
                    switch shape {
                    case .lines: writeLine(series, colour, x, y, to: &picture)
                    case .bars: writeBars(series, colour, index, x, y, to: &picture)
                    }
                }
            }
            if series.count > 1 || shape == .bars { writeLegend(to: &figure) }
        }
        page.raw("\n")
    }

    private func writeAxes(_ x: Axis, _ y: Axis, to picture: inout Markup) {
        func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String, _ picture: inout Markup) {
            picture.element(
                "line",
                [("x1", at(x1)), ("y1", at(y1)), ("x2", at(x2)), ("y2", at(y2)), ("class", kind)])
        }
        let floor = Self.height - Self.bottom, wall = Self.width - Self.right
        for tick in y.ticks {
            let height = y.place(tick.value)
            line(Self.left, height, wall, height, "grid", &picture)
            label(tick.label, Self.left - 6, height + 4, "end", &picture)
        }
        let marks = xTicks?.filter { x.holds($0.value) } ?? x.ticks
        for tick in marks {
            let place = x.place(tick.value)
            line(place, floor, place, floor + 4, "axis", &picture)
            label(tick.label, place, floor + 17, "middle", &picture)
        }
        line(Self.left, floor, wall, floor, "axis", &picture)
        line(Self.left, Self.top, Self.left, floor, "axis", &picture)
        label(xLabel, (Self.left + wall) / 2, Self.height - 6, "middle", &picture)
        let middle = (Self.top + floor) / 2
        picture.element(
            "text",
            [
                ("x", "12"), ("y", at(middle)), ("text-anchor", "middle"),
                ("transform", "rotate(-90 12 \(at(middle)))"),
            ], text: yLabel)
    }

    private func writeLine(_ series: Series, _ colour: String, _ x: Axis, _ y: Axis, to picture: inout Markup) {
        let path = series.points.map { "\(at(x.place($0.x))),\(at(y.place($0.y)))" }
        guard path.count > 1 else {
            let point = series.points[0]
            return picture.element(
                "circle", [("cx", at(x.place(point.x))), ("cy", at(y.place(point.y))), ("r", "3"), ("fill", colour)])
        }
        picture.element(
            "polyline",
            [
                ("points", path.joined(separator: " ")), ("fill", "none"), ("stroke", colour), ("stroke-width", "1.6"),
                ("stroke-linejoin", "round"),
            ])
    }

    /// A bar reaches to the next one's start: points lie at the left edges of bars.
    private func writeBars(
        _ series: Series, _ colour: String, _ index: Int, _ x: Axis, _ y: Axis, to picture: inout Markup
    ) {
        let floor = Self.height - Self.bottom
        for (number, point) in series.points.enumerated() where point.y > 0 {
            let from = x.place(point.x)
            let to = number + 1 < series.points.count ? x.place(series.points[number + 1].x) : from + 4
            picture.element(
                "rect",
                [
                    ("x", at(from)), ("y", at(y.place(point.y))), ("width", at(max(1, to - from - 0.5))),
                    ("height", at(floor - y.place(point.y))), ("fill", colour), ("fill-opacity", "0.65"),
                ]
            ) { $0.element("title", text: "\(series.name): \(Figure.short(point.y)) from \(Figure.short(point.x)) on") }
        }
    }

    private func writeLegend(to figure: inout Markup) {
        figure.element("p", [("class", "legend")]) { legend in
            for (index, series) in series.enumerated() {
                legend.element(
                    "span", [("style", "color:\(Self.colours[index % Self.colours.count])")], text: "\u{25A0} ")
                legend.element("span", text: series.name + "  ")
            }
        }
    }

    private func label(_ text: String, _ x: Double, _ y: Double, _ anchor: String, _ picture: inout Markup) {
        picture.element("text", [("x", at(x)), ("y", at(y)), ("text-anchor", anchor)], text: text)
    }

    private func at(_ value: Double) -> String { Figure.text(value, 1) }
}

/// From values to places on the picture.
private struct Axis {
    private let low: Double, high: Double
    private let scale: Chart.Scale
    private let room: ClosedRange<Double>
    private let isReversed: Bool

    init(
        _ values: [Double], _ scale: Chart.Scale, startsAtZero: Bool, in room: ClosedRange<Double>,
        isReversed: Bool = false
    ) {
        (self.scale, self.room, self.isReversed) = (scale, room, isReversed)
        var low = values.min() ?? 0, high = values.max() ?? 1
        switch scale {
        case .linear:
            if startsAtZero { low = min(0, low) }
            if high <= low { high = low + 1 }
            // Room above the highest point.
            if startsAtZero { high += (high - low) * 0.05 }
        case .logarithmic:
            low = max(low, 1e-6)
            high = max(high, low)
            // Whole decades, so that there are two ticks at least.
            low = pow(10, log10(low).rounded(.down))
            high = pow(10, max(log10(low) + 1, log10(high).rounded(.up)))
        }
        (self.low, self.high) = (low, high)
    }

    func holds(_ value: Double) -> Bool { value >= low && value <= high }

    func place(_ value: Double) -> Double {
        let share =
            switch scale {
            case .linear: (value - low) / (high - low)
            case .logarithmic: (log10(max(value, low)) - log10(low)) / (log10(high) - log10(low))
            }
        let bounded = min(1, max(0, share)), length = room.upperBound - room.lowerBound
        return isReversed ? room.upperBound - bounded * length : room.lowerBound + bounded * length
    }

    var ticks: [(value: Double, label: String)] {
        switch scale {
        case .linear:
            let step = niceStep
            var ticks: [(value: Double, label: String)] = []
            var number = (low / step).rounded(.up)
            while number * step <= high, ticks.count < 20 {
                ticks.append((number * step, Figure.short(number * step)))
                number += 1
            }
            return ticks
        case .logarithmic:
            let first = Int(log10(low).rounded()), last = Int(log10(high).rounded())
            return (first...max(first, last)).map { power in
                let value = pow(10, Double(power))
                return (value, Figure.short(value))
            }
        }
    }

    /// 1, 2 or 5 times a power of ten, for some five ticks.
    private var niceStep: Double {
        let raw = (high - low) / 5, power = pow(10, log10(raw).rounded(.down))
        let lead = raw / power
        return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10)
    }
}
