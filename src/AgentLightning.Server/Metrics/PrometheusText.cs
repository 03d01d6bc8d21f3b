using System.Globalization;
using System.Text;

namespace AgentLightning.Server.Metrics;

/// <summary>
/// Writes metrics as Prometheus text, version 0.0.4. A name is the instrument's with <c>_</c> for what Prometheus does not take, then the
/// unit, and <c>_total</c> for counters.
/// </summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Write(IEnumerable<MetricSnapshot> metrics)
    {
        var text = new StringBuilder();
        foreach (var metric in metrics)
        {
            var name = NameOf(metric);
            text.Append("# HELP ").Append(name).Append(' ').Append(Escape(metric.Help, quotes: false)).Append('\n');
            text.Append("# TYPE ")
                .Append(name)
                .Append(' ')
                .Append(
                    metric.Kind switch
                    {
                        MetricKind.Counter => "counter",
                        MetricKind.Histogram => "histogram",
                        _ => "gauge",
                    }
                )
                .Append('\n');
            foreach (var series in metric.Series)
            {
                if (metric.Kind == MetricKind.Histogram)
                {
                    WriteHistogram(text, name, metric.Bounds, series);
                }
                else
                {
                    WriteSample(text, name, "", series.Labels, null, series.Value);
                }
            }
        }

        return text.ToString();
    }

    private static void WriteHistogram(StringBuilder text, string name, IReadOnlyList<double> bounds, SeriesSnapshot series)
    {
        // Buckets of Prometheus are added up: each counts all values up to its bound.
        var count = 0L;
        for (var i = 0; i < series.Buckets.Count; i++)
        {
            count += series.Buckets[i];
            WriteSample(text, name, "_bucket", series.Labels, i < bounds.Count ? Number(bounds[i]) : "+Inf", count);
        }

        WriteSample(text, name, "_sum", series.Labels, null, series.Value);
        WriteSample(text, name, "_count", series.Labels, null, count);
    }

    private static void WriteSample(
        StringBuilder text,
        string name,
        string suffix,
        IReadOnlyList<KeyValuePair<string, string>> labels,
        string? bound,
        double value
    )
    {
        text.Append(name).Append(suffix);
        // 'le' is the bound's own name; two names that become one would be a sample that Prometheus refuses.
        var written = labels
            .Select(label => new KeyValuePair<string, string>(LabelOf(label.Key), label.Value))
            .DistinctBy(label => label.Key)
            .ToList();
        if (bound is not null)
        {
            written.Add(new("le", bound));
        }

        if (written.Count > 0)
        {
            text.Append('{').AppendJoin(',', written.Select(label => $"{label.Key}=\"{Escape(label.Value, quotes: true)}\"")).Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string NameOf(MetricSnapshot metric)
    {
        var unit = metric.Unit switch
        {
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            "1" => "_ratio",
            _ => "",
        };
        var name = Clean(metric.Name, colon: true);
        name = name.EndsWith(unit, StringComparison.Ordinal) ? name : name + unit;
        return metric.Kind == MetricKind.Counter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    private static string LabelOf(string name) =>
        Clean(name, colon: false) is var clean && clean is "le" or "quantile" ? "label_" + clean : clean;

    private static string Clean(string name, bool colon)
    {
        var clean = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' || (colon && c == ':') ? c : '_'));
        return clean.Length == 0 || char.IsAsciiDigit(clean[0]) ? "_" + clean : clean;
    }

    private static string Escape(string text, bool quotes)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);
}
