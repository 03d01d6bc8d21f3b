using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using AgentLightning.Capture;

namespace AgentLightning.Cli.Input;

/// <summary>Some lines of a file together.</summary>
/// <param name="Before">Lines of the file before them.</param>
/// <param name="Lines">How many they are.</param>
/// <param name="Bytes">Bytes of the file up to their end.</param>
/// <param name="NotText">Lines that are no text; in <paramref name="Content"/> they are blank, so that the others keep their
/// numbers.</param>
internal sealed record ImportBatch(ReadOnlyMemory<byte> Content, int Before, int Lines, long Bytes, IReadOnlyList<RejectedLine> NotText);

/// <summary>Reads a file of lines in pieces of bounded size; its bytes are passed on as they are.</summary>
internal static class ImportLines
{
    private const int LinesTogether = 2_000;
    private const int BytesTogether = 4 * 1024 * 1024;

    public static async IAsyncEnumerable<ImportBatch> ReadAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
        var content = new ArrayBufferWriter<byte>();
        var notText = new List<RejectedLine>();
        var (before, lines, bytes) = (0, 0, 0L);
        for (var ended = false; !ended; )
        {
            var read = await reader.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            while (TryTake(ref rest, read.IsCompleted, out var line))
            {
                bytes += line.Length + 1;
                lines++;
                Append(line, content, before + lines, notText);
                if (lines >= LinesTogether || content.WrittenCount >= BytesTogether)
                {
                    yield return new ImportBatch(content.WrittenMemory, before, lines, bytes, [.. notText]);
                    (before, lines) = (before + lines, 0);
                    content.ResetWrittenCount();
                    notText.Clear();
                }
            }

            reader.AdvanceTo(rest.Start, rest.End);
            ended = read.IsCompleted;
        }

        if (lines > 0)
        {
            yield return new ImportBatch(content.WrittenMemory, before, lines, bytes, [.. notText]);
        }

        await reader.CompleteAsync();
    }

    private static bool TryTake(ref ReadOnlySequence<byte> rest, bool isLast, out ReadOnlySequence<byte> line)
    {
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            line = rest.Slice(0, end);
            rest = rest.Slice(rest.GetPosition(1, end));
            return true;
        }

        // The last line may have no end.
        line = rest;
        rest = isLast ? rest.Slice(rest.End) : rest;
        return isLast && line.Length > 0;
    }

    private static void Append(ReadOnlySequence<byte> line, ArrayBufferWriter<byte> content, int number, List<RejectedLine> notText)
    {
        var bytes = line.IsSingleSegment ? line.FirstSpan : line.ToArray();
        if (number == 1 && bytes.StartsWith(Encoding.UTF8.Preamble))
        {
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        }

        if (Utf8.IsValid(bytes))
        {
            content.Write(bytes);
        }
        else
        {
            notText.Add(new RejectedLine(number, null, $"Not UTF-8 at byte {PlaceOf(bytes) + 1} of the line. {TextFile.SaveAsUtf8}"));
        }

        content.Write("\n"u8);
    }

    private static int PlaceOf(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out var length) == OperationStatus.Done)
        {
            at += length;
        }

        return at;
    }
}
