using System.Buffers;
using System.IO.Pipelines;
using AgentLightning.Common;

namespace AgentLightning.Capture;

/// <summary>Reads the lines of a batch, one at a time, within the limits. Empty lines are counted and not given.</summary>
internal static class LineReader
{
    public static async IAsyncEnumerable<(int Number, ReadOnlySequence<byte> Line)> ReadAsync(
        Stream stream,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
        try
        {
            var (number, total, finished) = (0, 0L, false);
            while (!finished)
            {
                var read = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                var (rest, taken) = (read.Buffer, 0L);
                finished = read.IsCompleted;
                while (TryLine(ref rest, finished, out var line))
                {
                    taken += line.Length;
                    Check(
                        ++number <= CaptureLimits.MostLines,
                        $"A batch must hold at most {CaptureLimits.MostLines} lines, but it holds more. Send it in parts."
                    );
                    Check(
                        total + taken <= CaptureLimits.LargestBatch,
                        $"A batch must be at most {CaptureLimits.LargestBatch} bytes after decompression, but it is larger. Send it in "
                            + $"parts."
                    );
                    CheckLine(line.Length, number);
                    if (!IsBlank(line))
                    {
                        yield return (number, line);
                    }
                }

                total += taken;
                CheckLine(rest.Length, number + 1);
                reader.AdvanceTo(rest.Start, rest.End);
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    private static bool TryLine(ref ReadOnlySequence<byte> rest, bool finished, out ReadOnlySequence<byte> line)
    {
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            line = rest.Slice(0, end);
            rest = rest.Slice(rest.GetPosition(1, end));
            return true;
        }

        line = rest;
        if (!finished || rest.IsEmpty)
        {
            return false;
        }

        rest = rest.Slice(rest.End);
        return true;
    }

    private static bool IsBlank(in ReadOnlySequence<byte> line)
    {
        foreach (var part in line)
        {
            if (part.Span.ContainsAnyExcept((byte)' ', (byte)'\r', (byte)'\t'))
            {
                return false;
            }
        }

        return true;
    }

    private static void CheckLine(long length, int number) =>
        Check(
            length <= CaptureLimits.LongestLine,
            $"A line must be at most {CaptureLimits.LongestLine} bytes, but line {number} is longer. Cut its texts."
        );

    private static void Check(bool good, string problem)
    {
        if (!good)
        {
            throw LightningException.Invalid(problem);
        }
    }
}
