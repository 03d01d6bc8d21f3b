using System.Globalization;
using CsvHelper;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>Small labelled files, written by the rules of RFC 4180.</summary>
public static class CsvFile
{
    /// <summary>Texts of two kinds that nobody could mix up.</summary>
    public static IEnumerable<string[]> TwoKinds(int count) =>
        Enumerable
            .Range(0, count)
            .Select(i =>
                i % 2 == 0
                    ? new[] { $"The parser crashes with an exception on file {i}", "bug", $"part-{i % 3}" }
                    : [$"Thanks, the new release {i} is great and works well", "praise", $"part-{i % 3}"]
            );

    /// <summary>Writes rows under the header <c>text,label,part</c>; returns the path.</summary>
    public static string Write(string path, IEnumerable<string[]> rows) => Write(path, ["text", "label", "part"], rows);

    public static string Write(string path, string[] header, IEnumerable<string[]> rows)
    {
        using var csv = new CsvWriter(new StreamWriter(path), CultureInfo.InvariantCulture);
        foreach (var row in rows.Prepend(header))
        {
            foreach (var field in row)
            {
                csv.WriteField(field);
            }

            csv.NextRecord();
        }

        return path;
    }

    /// <summary>The rows of a file after its header.</summary>
    public static List<string[]> Read(string path)
    {
        using var csv = new CsvParser(new StreamReader(path), CultureInfo.InvariantCulture);
        var rows = new List<string[]>();
        while (csv.Read())
        {
            rows.Add(csv.Record!);
        }

        return rows[1..];
    }
}
