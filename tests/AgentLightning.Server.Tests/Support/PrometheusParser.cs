using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace AgentLightning.Server.Tests.Support;

/// <summary>
/// Reads Prometheus text, version 0.0.4, and fails on whatever its description does not allow: a sample without a type before it, metrics
/// that are mixed, a sample twice, a histogram whose buckets fall.
/// </summary>
public sealed partial class PrometheusParser
{
    private PrometheusParser() { }

    public Dictionary<string, string> Types { get; } = [];

    public Dictionary<string, string> Help { get; } = [];

    public Dictionary<string, double> Samples { get; } = [];

    public static PrometheusParser Parse(string text)
    {
        var parser = new PrometheusParser();
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var current = "";
        foreach (var line in text[..^1].Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var (name, help) = Two(line["# HELP ".Length..]);
                Assert.Matches(Name(), name);
                parser.Help.Add(name, Unescape(help));
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                (current, var type) = Two(line["# TYPE ".Length..]);
                Assert.Matches(Name(), current);
                Assert.Contains(type, new[] { "counter", "gauge", "histogram" });
                parser.Types.Add(current, type);
            }
            else
            {
                parser.AddSample(line, current);
            }
        }

        foreach (var (name, _) in parser.Types.Where(type => type.Value == "histogram"))
        {
            parser.CheckHistogram(name);
        }

        return parser;
    }

    public double Value(string name, params (string Name, string Value)[] labels)
    {
        var key = Key(name, labels);
        Assert.True(Samples.ContainsKey(key), $"There is no {key} in {string.Join("\n", Samples.Keys)}");
        return Samples[key];
    }

    private void AddSample(string line, string current)
    {
        var i = line.IndexOfAny(['{', ' ']);
        Assert.True(i > 0, line);
        var (name, labels) = (line[..i], new List<(string, string)>());
        Assert.Matches(Name(), name);
        var suffixes = Types[current] == "histogram" ? new[] { "_bucket", "_sum", "_count" } : [""];
        Assert.Contains(name, suffixes.Select(suffix => current + suffix));
        if (line[i] == '{')
        {
            i++;
            while (line[i] != '}')
            {
                var equals = line.IndexOf('=', i);
                var label = line[i..equals];
                Assert.Matches(Label(), label);
                Assert.DoesNotContain(label, labels.Select(known => known.Item1));
                Assert.Equal('"', line[equals + 1]);
                var value = new StringBuilder();
                for (i = equals + 2; line[i] != '"'; i++)
                {
                    value.Append(
                        line[i] == '\\'
                            ? line[++i] switch
                            {
                                'n' => '\n',
                                '\\' => '\\',
                                '"' => '"',
                                var c => throw new FormatException($"\\{c} in {line}"),
                            }
                            : line[i]
                    );
                }

                labels.Add((label, value.ToString()));
                i++;
                i += line[i] == ',' ? 1 : 0;
            }

            i++;
        }

        Assert.Equal(' ', line[i]);
        var number = line[(i + 1)..] switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            var digits => double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture),
        };
        Samples.Add(Key(name, labels), number);
    }

    private void CheckHistogram(string name)
    {
        var series = Samples
            .Where(sample => sample.Key.StartsWith(name + "_bucket{", StringComparison.Ordinal))
            .GroupBy(sample => Bound().Replace(sample.Key, ""));
        foreach (var buckets in series)
        {
            Assert.Equal(buckets.Select(bucket => bucket.Value).Order(), buckets.Select(bucket => bucket.Value));
            Assert.Contains("le=+Inf", buckets.Last().Key, StringComparison.Ordinal);
            var labels = buckets.Key[(name.Length + "_bucket".Length)..];
            Assert.Equal(buckets.Last().Value, Samples.Single(sample => sample.Key == name + "_count" + labels).Value);
        }
    }

    private static string Key(string name, IEnumerable<(string Name, string Value)> labels) =>
        $"{name}{{{string.Join(';', labels.OrderBy(label => label.Name == "le" ? "" : label.Name, StringComparer.Ordinal).Select(label => $"{label.Name}={label.Value}"))}}}";

    private static (string, string) Two(string text) =>
        text.IndexOf(' ', StringComparison.Ordinal) is var at && at < 0 ? (text, "") : (text[..at], text[(at + 1)..]);

    private static string Unescape(string text) =>
        Regex.Replace(text, @"\\(.)", match => match.Groups[1].Value == "n" ? "\n" : match.Groups[1].Value);

    [GeneratedRegex("^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
    private static partial Regex Name();

    [GeneratedRegex("^[a-zA-Z_][a-zA-Z0-9_]*$")]
    private static partial Regex Label();

    [GeneratedRegex("le=[^;}]*;?")]
    private static partial Regex Bound();
}
