using System.Buffers;

namespace AgentLightning.Server.Gateway;

/// <summary>
/// Finds the events in the bytes of a stream (text/event-stream), wherever the bytes are divided: lines that end with LF, CR or both,
/// comments, and characters of which a part has come. An event is told when it is whole.
/// </summary>
/// <remarks>Not for several threads at once. What was told lies where it is until <see cref="Free"/> is called.</remarks>
internal sealed class SseBuffer : IDisposable
{
    /// <summary>Bytes of an event; what is longer is no answer of a model.</summary>
    public const int LongestEvent = 32 * 1024 * 1024;

    private const int Room = 16 * 1024;
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(Room);

    // Of the event that is being read, of its line, and of what was searched for the end of that.
    private int _start,
        _line,
        _searched,
        _end;

    private SseEvent _open = s_none;
    private bool _skipLineFeed,
        _begun;

    private static readonly SseEvent s_none = new(0, 0, 0, 0, 0, -1, 0);

    /// <summary>Bytes of an event that is not whole yet.</summary>
    public int Rest => _end - _start;

    public ReadOnlySpan<byte> RestSpan => _bytes.AsSpan(_start, Rest);

    /// <summary>Room for what comes next. False means that an event is too long.</summary>
    public bool TryFree(out Memory<byte> room)
    {
        if (_bytes.Length - _end < Room / 2)
        {
            if (Rest > LongestEvent)
            {
                room = default;
                return false;
            }

            Move();
        }

        room = _bytes.AsMemory(_end);
        return true;
    }

    /// <summary>What was written into the room.</summary>
    public void Add(int count) => _end += count;

    public Span<byte> Of(int start, int length) => _bytes.AsSpan(start, length);

    public ReadOnlyMemory<byte> Bytes(int start, int length) => _bytes.AsMemory(start, length);

    /// <summary>The data of an event: what is in its lines, one after the other.</summary>
    public ReadOnlySpan<byte> DataOf(in SseEvent one) =>
        one.DataLines <= 1 ? _bytes.AsSpan(one.DataStart, one.DataLength) : Joined(_bytes.AsSpan(one.Start, one.Length));

    public ReadOnlySpan<byte> NameOf(in SseEvent one) => one.NameStart < 0 ? default : _bytes.AsSpan(one.NameStart, one.NameLength);

    /// <summary>The next event that is whole.</summary>
    public bool TryNext(out SseEvent found)
    {
        if (!_begun && _end - _start >= 3)
        {
            _begun = true;
            // A mark of the encoding, which some servers write.
            _line += _bytes.AsSpan(_start, 3).SequenceEqual("\uFEFF"u8) ? 3 : 0;
            _searched = Math.Max(_searched, _line);
        }

        while (true)
        {
            if (_skipLineFeed && _line < _end)
            {
                _line += _bytes[_line] == '\n' ? 1 : 0;
                _searched = _line;
                _skipLineFeed = false;
            }

            var at = _bytes.AsSpan(_searched, _end - _searched).IndexOfAny((byte)'\n', (byte)'\r');
            if (at < 0)
            {
                _searched = _end;
                found = default;
                return false;
            }

            var (lineEnd, next) = (_searched + at, _searched + at + 1);
            _skipLineFeed = _bytes[lineEnd] == '\r';
            if (_skipLineFeed && next < _end)
            {
                next += _bytes[next] == '\n' ? 1 : 0;
                _skipLineFeed = false;
            }

            var isBlank = lineEnd == _line;
            if (!isBlank)
            {
                Field(_line, lineEnd);
            }

            _line = _searched = next;
            if (isBlank)
            {
                found = _open with { Start = _start, Length = next - _start };
                (_start, _open) = (next, s_none);
                return true;
            }
        }
    }

    /// <summary>
    /// What is left when the stream has ended: an event without the blank line behind it, which some servers leave out after the last.
    /// </summary>
    public bool TryLast(out SseEvent last)
    {
        if (_end > _line)
        {
            Field(_line, _end);
            _line = _searched = _end;
        }

        last = _open with { Start = _start, Length = _end - _start };
        (_start, _open) = (_end, s_none);
        return last.Length > 0;
    }

    public void Dispose()
    {
        var bytes = _bytes;
        (_bytes, _start, _line, _searched, _end) = ([], 0, 0, 0, 0);
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void Field(int start, int end)
    {
        var line = _bytes.AsSpan(start, end - start);
        if (line.StartsWith("data:"u8))
        {
            var at = start + 5 + (line.Length > 5 && line[5] == ' ' ? 1 : 0);
            _open =
                _open.DataLines == 0
                    ? _open with
                    {
                        DataLines = 1,
                        DataStart = at,
                        DataLength = end - at,
                    }
                    : _open with
                    {
                        DataLines = _open.DataLines + 1,
                    };
        }
        else if (line.StartsWith("event:"u8))
        {
            var at = start + 6 + (line.Length > 6 && line[6] == ' ' ? 1 : 0);
            _open = _open with { NameStart = at, NameLength = end - at };
        }
    }

    /// <summary>Moves what is not told yet to the beginning, into a larger array where it fills more than half of this one.</summary>
    private void Move()
    {
        var (from, rest) = (_start, Rest);
        var to = rest > _bytes.Length / 2 ? ArrayPool<byte>.Shared.Rent(_bytes.Length * 2) : _bytes;
        _bytes.AsSpan(from, rest).CopyTo(to);
        if (to != _bytes)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = to;
        }

        (_start, _line, _searched, _end) = (0, _line - from, _searched - from, rest);
        _open = _open with { DataStart = _open.DataStart - from, NameStart = _open.NameStart < 0 ? -1 : _open.NameStart - from };
    }

    private static byte[] Joined(ReadOnlySpan<byte> text)
    {
        var data = new List<byte>(text.Length);
        foreach (var range in text.SplitAny((byte)'\r', (byte)'\n'))
        {
            var line = text[range];
            if (!line.StartsWith("data:"u8))
            {
                continue;
            }

            if (data.Count > 0)
            {
                data.Add((byte)'\n');
            }

            data.AddRange(line[(line.Length > 5 && line[5] == ' ' ? 6 : 5)..]);
        }

        return [.. data];
    }
}
