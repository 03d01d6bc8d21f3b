using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using AgentLightning.Common;
using AgentLightning.Traces.Otlp;

namespace AgentLightning.Traces;

/// <summary>How an OTLP request is written.</summary>
public enum OtlpEncoding
{
    Protobuf,
    Json,
}

/// <summary>How a request ended.</summary>
public enum OtlpOutcome
{
    /// <summary>What was good is on disk; <see cref="OtlpResult.Rejected"/> says how much was not.</summary>
    Stored,

    /// <summary>The body cannot be read; sent again it will not be read either.</summary>
    Unreadable,

    TooLarge,

    /// <summary>There is no room in the queue, or the store is away: come again.</summary>
    Busy,
}

/// <summary>What became of a request.</summary>
/// <param name="Rejected">Spans or log records that are not stored.</param>
/// <param name="Message">Why, for people; null when all is well.</param>
public sealed record OtlpResult(OtlpOutcome Outcome, int Accepted, int Rejected, string? Message);

/// <summary>Takes OTLP requests from the wire: reads and inflates them within bounds, and hands them on. Any thread may call.</summary>
public sealed class OtlpReceiver(TraceIngestor ingestor, TraceOptions options)
{
    private const int SmallestBuffer = 4_096;
    private const int LargestFirstBuffer = 64 * 1024;
    private const int SmallestGzip = 18;

    /// <summary>No byte of deflate holds more.</summary>
    private const int MostInflation = 1_032;

    /// <summary>
    /// Reads one request to its end and completes when what is good of it is on disk. Memory is bounded: a request that finds no room
    /// waits, and is told to come again.
    /// </summary>
    /// <param name="body">Charges to the share what is read of it, if anything is to be.</param>
    /// <param name="length">Bytes of <paramref name="body"/> where that is known.</param>
    /// <param name="share">What is inflated is charged to it, and stays so until it is disposed.</param>
    /// <param name="mayWrite">Says of an agent whether the sender may write its spans; null when all may be written.</param>
    public async Task<OtlpResult> ReceiveAsync(
        Stream body,
        long? length,
        bool gzip,
        OtlpEncoding encoding,
        SpanForm form,
        Func<string, bool>? mayWrite,
        ByteShare share,
        CancellationToken cancellationToken
    )
    {
        if (length > options.LargestBody)
        {
            return await RefuseAsync(OtlpOutcome.TooLarge, TooLarge(), cancellationToken).ConfigureAwait(false);
        }

        // Not as large as the sender says: memory is for what has come.
        var (wire, count) = await ReadAsync(body, (int)Math.Min(length ?? 0, LargestFirstBuffer), cancellationToken).ConfigureAwait(false);
        byte[]? inflated = null;
        try
        {
            if (count > options.LargestBody)
            {
                return await RefuseAsync(OtlpOutcome.TooLarge, TooLarge(), cancellationToken).ConfigureAwait(false);
            }

            if (!gzip || count == 0)
            {
                return await IngestAsync(wire.AsMemory(0, count), encoding, form, mayWrite, cancellationToken).ConfigureAwait(false);
            }

            // The last bytes of gzip tell the size inside. Whoever lies about it finds no room for more.
            var told = count < SmallestGzip ? 0 : (long)BinaryPrimitives.ReadUInt32LittleEndian(wire.AsSpan(count - 4, 4));
            if (count < SmallestGzip || wire[0] != 0x1f || wire[1] != 0x8b || told > (long)count * MostInflation)
            {
                throw new InvalidDataException();
            }

            if (told > options.LargestBody)
            {
                return await RefuseAsync(OtlpOutcome.TooLarge, TooLarge(), cancellationToken).ConfigureAwait(false);
            }

            if (!await share.TryTakeAsync(told, cancellationToken).ConfigureAwait(false))
            {
                return Full();
            }

            (inflated, var size) = Inflate(wire, count, (int)told);
            return size > told
                ? await RefuseAsync(
                        OtlpOutcome.Unreadable,
                        "The body is not one piece of gzip: it holds more than its end says.",
                        cancellationToken
                    )
                    .ConfigureAwait(false)
                : await IngestAsync(inflated.AsMemory(0, size), encoding, form, mayWrite, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException)
        {
            return await RefuseAsync(OtlpOutcome.Unreadable, "The body says that it is gzip, but it cannot be inflated.", cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(wire);
            if (inflated is not null)
            {
                ArrayPool<byte>.Shared.Return(inflated);
            }
        }
    }

    /// <summary>Takes one request that lies whole in memory, and for which there is room; it completes as the other does.</summary>
    public Task<OtlpResult> ReceiveAsync(
        ReadOnlyMemory<byte> body,
        OtlpEncoding encoding,
        SpanForm form,
        Func<string, bool>? mayWrite,
        CancellationToken cancellationToken
    ) =>
        body.Length > options.LargestBody
            ? RefuseAsync(OtlpOutcome.TooLarge, TooLarge(), cancellationToken)
            : IngestAsync(body, encoding, form, mayWrite, cancellationToken);

    private async Task<OtlpResult> IngestAsync(
        ReadOnlyMemory<byte> body,
        OtlpEncoding encoding,
        SpanForm form,
        Func<string, bool>? mayWrite,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await ingestor.IngestAsync(body, encoding, form, mayWrite, cancellationToken).ConfigureAwait(false);
        }
        catch (OtlpFormatException e)
        {
            return await RefuseAsync(
                    OtlpOutcome.Unreadable,
                    $"The body is no OTLP request in {(encoding == OtlpEncoding.Json ? "JSON" : "protobuf")}: {e.Message}.",
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
    }

    /// <summary>Refuses a whole request, and counts it where the diagnostics see it.</summary>
    private async Task<OtlpResult> RefuseAsync(OtlpOutcome outcome, string message, CancellationToken cancellationToken)
    {
        await ingestor
            .CountRefusalAsync(
                outcome == OtlpOutcome.TooLarge ? "a request that is too large" : "a request that cannot be read",
                cancellationToken
            )
            .ConfigureAwait(false);
        return new OtlpResult(outcome, 0, 0, message);
    }

    private static OtlpResult Full() =>
        new(OtlpOutcome.Busy, 0, 0, "The store is slower than what comes in, and the queue is full. Send the request again.");

    private string TooLarge() => $"The body must be at most {options.LargestBody} bytes, before and after inflation. Send smaller batches.";

    /// <summary>Reads at most one byte more than is allowed, into a buffer of the pool.</summary>
    private async Task<(byte[] Buffer, int Count)> ReadAsync(Stream body, int expected, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(SmallestBuffer, expected + 1));
        var count = 0;
        try
        {
            while (
                count <= options.LargestBody
                && await body.ReadAsync(buffer.AsMemory(count), cancellationToken).ConfigureAwait(false) is > 0 and var read
            )
            {
                count += read;
                buffer = count == buffer.Length ? Grown(buffer, count) : buffer;
            }

            return (buffer, count);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private static (byte[] Buffer, int Size) Inflate(byte[] wire, int count, int told)
    {
        using var stream = new GZipStream(new MemoryStream(wire, 0, count), CompressionMode.Decompress);
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(SmallestBuffer, told + 1));
        try
        {
            return (buffer, stream.ReadAtLeast(buffer.AsSpan(0, told + 1), told + 1, throwOnEndOfStream: false));
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private static byte[] Grown(byte[] buffer, int count)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.AsSpan(0, count).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
