using AgentLightning.Capture;
using AgentLightning.Common;

namespace AgentLightning.Cli.Input;

/// <summary>
/// Lines of rewards that stand in a file so far before the line of their episode that they came in an earlier batch. They are kept, up to a
/// bound, and sent again after it.
/// </summary>
internal sealed class EarlyLines
{
    private const long MostBytes = 32 * 1024 * 1024;
    private readonly List<(int Number, ReadOnlyMemory<byte> Line)> _lines = [];
    private long _bytes;

    public bool IsEmpty => _lines.Count == 0;

    /// <summary>Whether those that are kept should be sent again before more are.</summary>
    public bool IsFull => _bytes >= MostBytes;

    /// <summary>Keeps the lines of a batch whose episode may still come, and gives what became of the others.</summary>
    public CaptureOutcome Keep(CaptureOutcome outcome, ImportBatch batch)
    {
        if (!outcome.Rejected.Any(IsEarly))
        {
            return outcome;
        }

        var lines = LinesOf(batch.Content);
        foreach (var early in outcome.Rejected.Where(IsEarly))
        {
            // The batch is written over by the next.
            var line = lines[early.Line - 1].ToArray();
            _lines.Add((batch.Before + early.Line, line));
            _bytes += line.Length;
        }

        return outcome with
        {
            Rejected = [.. outcome.Rejected.Where(line => !IsEarly(line))],
        };
    }

    /// <summary>The kept lines in their order, and the number that each has in the file. Afterwards none is kept.</summary>
    public (MemoryStream Content, IReadOnlyList<int> Numbers) Take()
    {
        var content = new MemoryStream((int)_bytes + _lines.Count);
        foreach (var (_, line) in _lines)
        {
            content.Write(line.Span);
            content.WriteByte((byte)'\n');
        }

        content.Position = 0;
        int[] numbers = [.. _lines.Select(line => line.Number)];
        _lines.Clear();
        _bytes = 0;
        return (content, numbers);
    }

    private static bool IsEarly(RejectedLine line) => line.Kind == ErrorKind.NotFound;

    private static List<ReadOnlyMemory<byte>> LinesOf(ReadOnlyMemory<byte> content)
    {
        var lines = new List<ReadOnlyMemory<byte>>();
        while (content.Span.IndexOf((byte)'\n') is >= 0 and var end)
        {
            lines.Add(content[..end]);
            content = content[(end + 1)..];
        }

        return lines;
    }
}
