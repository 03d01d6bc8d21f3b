using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace AgentLightning.Server.Metrics;

/// <summary>What Prometheus calls a metric's type.</summary>
internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>One metric at one moment.</summary>
/// <param name="Bounds">Upper bounds of a histogram's buckets, ascending, without the infinite one; empty for the others.</param>
internal sealed record MetricSnapshot(
    string Name,
    string Unit,
    string Help,
    MetricKind Kind,
    IReadOnlyList<double> Bounds,
    IReadOnlyList<SeriesSnapshot> Series
);

/// <summary>One set of labels with its value.</summary>
/// <param name="Value">The value; of a histogram the sum.</param>
/// <param name="Buckets">How many values fell into each bucket, not added up; one more than the bounds.</param>
internal sealed record SeriesSnapshot(IReadOnlyList<KeyValuePair<string, string>> Labels, double Value, IReadOnlyList<long> Buckets);

/// <summary>
/// Adds up what one meter measures. An instrument has at most a fixed number of sets of labels; what comes with others is added to one set,
/// <c>overflow="true"</c>, so that memory stays bounded whatever is measured.
/// </summary>
/// <remarks>Any thread may measure and collect.</remarks>
internal sealed class MetricsCollector : IDisposable
{
    private static readonly KeyValuePair<string, string>[] s_overflow = [new("overflow", "true")];
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, Metric> _metrics = [];
    private readonly Lock _collecting = new();

    public MetricsCollector(Meter meter, int mostSeries = 1_000)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                listener.EnableMeasurementEvents(instrument, _metrics.GetOrAdd(instrument, new Metric(instrument, mostSeries)));
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => ((Metric)state!).Add(value, tags));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, state) => ((Metric)state!).Add(value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => ((Metric)state!).Add(value, tags));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => ((Metric)state!).Add(value, tags));
        _listener.Start();
    }

    /// <summary>Every metric that was measured, by name. Observable instruments are asked now.</summary>
    public IReadOnlyList<MetricSnapshot> Collect()
    {
        lock (_collecting)
        {
            foreach (var metric in _metrics.Values)
            {
                metric.BeginObservation();
            }

            _listener.RecordObservableInstruments();
            return
            [
                .. _metrics
                    .Values.Select(metric => metric.Snapshot())
                    .Where(metric => metric.Series.Count > 0)
                    .OrderBy(metric => metric.Name, StringComparer.Ordinal),
            ];
        }
    }

    public void Dispose() => _listener.Dispose();

    private sealed class Metric(Instrument instrument, int mostSeries)
    {
        private readonly bool _observed = instrument.IsObservable;
        private readonly MetricKind _kind = KindOf(instrument);
        private readonly double[] _bounds = [.. BoundsOf(instrument)];
        private readonly Dictionary<string, Series> _series = new(StringComparer.Ordinal);

        /// <summary>What an observable instrument does not tell any more is gone.</summary>
        public void BeginObservation()
        {
            if (_observed)
            {
                lock (_series)
                {
                    _series.Clear();
                }
            }
        }

        public void Add(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var key = KeyOf(tags);
            lock (_series)
            {
                if (!_series.TryGetValue(key, out var series))
                {
                    // '\n' alone begins no key of real labels.
                    var known = _series.Count < mostSeries;
                    key = known ? key : "\n";
                    if (known || !_series.TryGetValue(key, out series))
                    {
                        series = new Series(
                            known ? LabelsOf(tags) : s_overflow,
                            new long[_kind == MetricKind.Histogram ? _bounds.Length + 1 : 0]
                        );
                        _series.Add(key, series);
                    }
                }

                if (_kind == MetricKind.Histogram)
                {
                    var bucket = Array.BinarySearch(_bounds, value);
                    series.Buckets[bucket >= 0 ? bucket : ~bucket]++;
                }

                // An observable instrument tells totals, the others changes; a gauge tells what is.
                series.Value = _observed || _kind == MetricKind.Gauge && !IsUpDown(instrument) ? value : series.Value + value;
            }
        }

        public MetricSnapshot Snapshot()
        {
            lock (_series)
            {
                return new MetricSnapshot(
                    instrument.Name,
                    instrument.Unit ?? "",
                    instrument.Description ?? "",
                    _kind,
                    _bounds,
                    [
                        .. _series
                            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
                            .Select(pair => new SeriesSnapshot(pair.Value.Labels, pair.Value.Value, [.. pair.Value.Buckets])),
                    ]
                );
            }
        }

        private static MetricKind KindOf(Instrument instrument) =>
            Generic(instrument) switch
            {
                "Counter`1" or "ObservableCounter`1" => MetricKind.Counter,
                "Histogram`1" => MetricKind.Histogram,
                _ => MetricKind.Gauge,
            };

        private static bool IsUpDown(Instrument instrument) => Generic(instrument) == "UpDownCounter`1";

        private static string Generic(Instrument instrument) => instrument.GetType().Name;

        private static IEnumerable<double> BoundsOf(Instrument instrument) =>
            instrument switch
            {
                Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => bounds,
                Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => bounds.Select(bound => (double)bound),
                Histogram<int> { Advice.HistogramBucketBoundaries: { } bounds } => bounds.Select(bound => (double)bound),
                _ => KindOf(instrument) == MetricKind.Histogram
                    ? [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000]
                    : [],
            };

        private static string KeyOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (tags.IsEmpty)
            {
                return "";
            }

            var labels = LabelsOf(tags);
            return string.Join('\u0001', labels.Select(label => $"{label.Key}\u0002{label.Value}"));
        }

        private static KeyValuePair<string, string>[] LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var labels = new KeyValuePair<string, string>[tags.Length];
            for (var i = 0; i < tags.Length; i++)
            {
                labels[i] = new(tags[i].Key, Convert.ToString(tags[i].Value, System.Globalization.CultureInfo.InvariantCulture) ?? "");
            }

            // The order in which the code names them does not make another series.
            Array.Sort(labels, (a, b) => string.CompareOrdinal(a.Key, b.Key));
            return labels;
        }

        private sealed class Series(KeyValuePair<string, string>[] labels, long[] buckets)
        {
            public KeyValuePair<string, string>[] Labels { get; } = labels;

            public long[] Buckets { get; } = buckets;

            public double Value { get; set; }
        }
    }
}
