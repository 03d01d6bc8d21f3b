using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace AgentLightning.Client.Export;

/// <summary>
/// Batches on disk, in the order in which they came, while the server is away. A folder holds segments; a segment holds frames of header,
/// checksum and batch. What is appended is on disk when the call returns. A damaged or cut frame ends its segment: what follows in it is
/// skipped and counted. A batch may be read again after a crash; its records have ids, so that nothing is doubled.
/// </summary>
/// <remarks>Any thread may call. One process has a folder; another one takes the next number.</remarks>
internal sealed class Spool : IDisposable
{
    private const int SegmentBytes = 1024 * 1024;
    private const int HeaderBytes = 9;
    private const int ChecksumBytes = 8;
    private const int LargestFrame = 64 * 1024 * 1024;
    private const int MostFolders = 64;
    private const string Ending = ".segment";

    private readonly object _gate = new();
    private readonly string _folder;
    private readonly FileStream _lock;
    private readonly long _limit;
    private readonly LinkedList<long> _segments = [];
    private FileStream? _writer,
        _reader;
    private Payload? _peeked;
    private long _peekedEnd,
        _next,
        _bytes,
        _damaged;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Spool(string folder, FileStream owned, long limit)
    {
        (_folder, _lock, _limit) = (folder, owned, limit);
        foreach (var file in Directory.GetFiles(folder, "*" + Ending))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                _segments.AddLast(number);
                _bytes += new FileInfo(file).Length;
            }
        }

        var ordered = _segments.Order().ToList();
        _segments = new LinkedList<long>(ordered);
        // Never behind the last frame of a process that died: it may be cut.
        _next = ordered.Count == 0 ? 1 : ordered[^1] + 1;
    }

    /// <summary>Bytes on disk.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Segments whose rest could not be read.</summary>
    public long Damaged => Interlocked.Read(ref _damaged);

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _segments.Count == 0;
            }
        }
    }

    /// <summary>
    /// Opens the first of the folders <c>spool-1</c>, <c>spool-2</c> … below <paramref name="folder"/> that no other process has.
    /// </summary>
    /// <exception cref="IOException">None can be made or had.</exception>
    public static Spool Open(string folder, long limit)
    {
        for (var number = 1; number <= MostFolders; number++)
        {
            var own = Path.Combine(folder, $"spool-{number}");
            Directory.CreateDirectory(own);
            try
            {
                return new Spool(
                    own,
                    new FileStream(Path.Combine(own, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None),
                    limit
                );
            }
            catch (IOException) when (File.Exists(Path.Combine(own, "lock")) && number < MostFolders)
            {
                // Another process of this machine has it.
            }
        }

        throw new IOException($"All {MostFolders} spool folders in '{folder}' are taken.");
    }

    /// <summary>
    /// Opens a folder below <paramref name="folder"/> that holds batches and that no process has: what one that ran beside others left when
    /// it ended. Null when there is none. It is for reading: what is read to its end is gone.
    /// </summary>
    public static Spool? TryAdopt(string folder)
    {
        foreach (var other in FoldersWithBatches(folder))
        {
            try
            {
                var adopted = new Spool(
                    other,
                    new FileStream(Path.Combine(other, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None),
                    limit: 0
                );
                if (!adopted.IsEmpty)
                {
                    return adopted;
                }

                // Read by another process just now.
                adopted.Dispose();
            }
            catch (IOException)
            {
                // A process that runs has it.
            }
        }

        return null;
    }

    /// <summary>Whether there may be something of an earlier process below <paramref name="folder"/>.</summary>
    public static bool HasLeftovers(string folder) => FoldersWithBatches(folder).Any();

    /// <summary>False when there is no room for it.</summary>
    /// <exception cref="IOException">The disk does not take it.</exception>
    public bool TryAppend(Payload payload)
    {
        lock (_gate)
        {
            var size = HeaderBytes + ChecksumBytes + payload.Bytes.Length;
            if (_bytes + size > _limit || payload.Bytes.Length > LargestFrame)
            {
                return false;
            }

            var isFirst = _segments.Count == 0;
            var start = 0L;
            try
            {
                if (_writer is null || _writer.Length > SegmentBytes)
                {
                    _writer?.Dispose();
                    _writer = null;
                    _writer = new FileStream(
                        PathOf(_next),
                        FileMode.CreateNew,
                        FileAccess.Write,
                        FileShare.ReadWrite | FileShare.Delete,
                        bufferSize: 0
                    );
                    _segments.AddLast(_next++);
                }

                start = _writer.Length;
                Span<byte> head = stackalloc byte[HeaderBytes + ChecksumBytes];
                head[0] = (byte)payload.Kind;
                BinaryPrimitives.WriteInt32LittleEndian(head[1..], payload.Bytes.Length);
                BinaryPrimitives.WriteInt32LittleEndian(head[5..], payload.Records);
                Checksum(head[..HeaderBytes], payload.Bytes.Span, head[HeaderBytes..]);
                _writer.Write(head);
                _writer.Write(payload.Bytes.Span);
                _writer.Flush(flushToDisk: true);
                _bytes += size;
            }
            catch
            {
                TakeBack(start);
                throw;
            }
            finally
            {
                if (isFirst && _segments.Count > 0)
                {
                    Tell();
                }
            }

            return true;
        }
    }

    /// <summary>The oldest batch, which stays until <see cref="Advance"/>.</summary>
    public bool TryPeek(out Payload payload)
    {
        lock (_gate)
        {
            while (_peeked is null && _segments.First is { } oldest)
            {
                _reader ??= new FileStream(
                    PathOf(oldest.Value),
                    FileMode.Open,
                    FileAccess.Read,
                    FileShare.ReadWrite | FileShare.Delete,
                    bufferSize: 0
                );
                if (!TryRead(_reader))
                {
                    Interlocked.Add(ref _damaged, _reader.Position < _reader.Length ? 1 : 0);
                    Remove(oldest);
                }
            }

            payload = _peeked ?? default;
            return _peeked is not null;
        }
    }

    /// <summary>Done with the batch of <see cref="TryPeek"/>.</summary>
    public void Advance()
    {
        lock (_gate)
        {
            _peeked = null;
            _reader!.Position = _peekedEnd;
            if (_peekedEnd == _reader.Length && _segments.First is { } oldest)
            {
                Remove(oldest);
            }
        }
    }

    /// <summary>Completes when there is something, or when nothing is left.</summary>
    public async Task WaitAsync(bool empty, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_segments.Count == 0 == empty)
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _writer?.Dispose();
            _reader?.Dispose();
            _lock.Dispose();
        }
    }

    /// <summary>Cuts off half a frame, and goes on in another segment: what is written next must not stand behind it.</summary>
    private void TakeBack(long start)
    {
        try
        {
            _writer?.SetLength(start);
            _writer?.Dispose();
            if (_writer is not null && start == 0)
            {
                // Nothing was ever in it.
                File.Delete(PathOf(_segments.Last!.Value));
                _segments.RemoveLast();
            }
        }
        catch (IOException)
        {
            // It stays, and is skipped when it is read.
        }

        _writer = null;
    }

    private bool TryRead(FileStream stream)
    {
        var start = stream.Position;
        Span<byte> head = stackalloc byte[HeaderBytes + ChecksumBytes],
            checksum = stackalloc byte[ChecksumBytes];
        if (
            stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length
            && BinaryPrimitives.ReadInt32LittleEndian(head[1..]) is var length
            && length is > 0 and <= LargestFrame
            && length <= stream.Length - stream.Position
        )
        {
            var bytes = new byte[length];
            stream.ReadExactly(bytes);
            Checksum(head[..HeaderBytes], bytes, checksum);
            if (checksum.SequenceEqual(head[HeaderBytes..]) && (PayloadKind)head[0] is PayloadKind.Records or PayloadKind.Spans)
            {
                _peeked = new Payload((PayloadKind)head[0], bytes, BinaryPrimitives.ReadInt32LittleEndian(head[5..]));
                _peekedEnd = stream.Position;
                return true;
            }
        }

        stream.Position = start;
        return false;
    }

    private void Remove(LinkedListNode<long> oldest)
    {
        var length = _reader!.Length;
        _reader.Dispose();
        _reader = null;
        if (oldest.Next is null)
        {
            _writer?.Dispose();
            _writer = null;
        }

        File.Delete(PathOf(oldest.Value));
        _segments.RemoveFirst();
        _bytes = _segments.Count == 0 ? 0 : _bytes - length;
        if (_segments.Count == 0)
        {
            Tell();
        }
    }

    private void Tell()
    {
        _changed.TrySetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static IEnumerable<string> FoldersWithBatches(string folder) =>
        Directory.Exists(folder)
            ? Directory.EnumerateDirectories(folder, "spool-*").Where(own => Directory.EnumerateFiles(own, "*" + Ending).Any())
            : [];

    private string PathOf(long segment) => Path.Combine(_folder, segment.ToString("D12", CultureInfo.InvariantCulture) + Ending);

    private static void Checksum(ReadOnlySpan<byte> head, ReadOnlySpan<byte> bytes, Span<byte> checksum)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(head);
        hash.AppendData(bytes);
        Span<byte> whole = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(whole);
        whole[..ChecksumBytes].CopyTo(checksum);
    }
}
