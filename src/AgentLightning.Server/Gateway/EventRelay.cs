using System.Buffers;

namespace AgentLightning.Server.Gateway;

/// <summary>What became of an event.</summary>
internal enum Relayed
{
    /// <summary>A comment, or an event in which nothing of the answer is.</summary>
    Nothing,

    /// <summary>Something of the answer.</summary>
    Content,

    /// <summary>The upstream's error.</summary>
    Error,

    /// <summary>No JSON.</summary>
    Malformed,
}

/// <summary>
/// Passes the events of one stream on, byte for byte but for what was asked for capture alone, keeps what capture needs, and watches
/// whether the stream comes to its end.
/// </summary>
internal sealed class EventRelay(ModelRoute route, int choices, Upstream upstream, bool cutUsage, bool cutTokenIds, CallCapture? capture)
{
    private int _finished;

    /// <summary>Whether something of the answer was passed on.</summary>
    public bool HasContent { get; private set; }

    /// <summary>Whether the event that ends a stream has come.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Whether the answer has come to its end, with that event or without.</summary>
    public bool IsWhole => IsDone || (route.HasChoices() && _finished >= choices);

    /// <summary>The last data that told of usage.</summary>
    public byte[]? Usage { get; private set; }

    /// <summary>The data of the error that the upstream told.</summary>
    public byte[]? Error { get; private set; }

    public Relayed Take(SseBuffer events, in SseEvent one, IBufferWriter<byte> to)
    {
        var whole = events.Of(one.Start, one.Length);
        upstream.Scrub(whole);
        if (one.DataLines == 0)
        {
            to.Write(whole);
            return Relayed.Nothing;
        }

        var data = events.DataOf(one);
        var name = events.NameOf(one);
        if (data.SequenceEqual("[DONE]"u8))
        {
            IsDone = true;
            to.Write(whole);
            return Relayed.Content;
        }

        capture?.Add(whole);
        if (EventSigns.IsError(name, data))
        {
            Error = data.ToArray();
            to.Write(whole);
            return Relayed.Error;
        }

        if (route.HasChoices())
        {
            _finished += EventSigns.Finishes(data);
        }
        else
        {
            IsDone |= EventSigns.EndsResponse(name);
        }

        if (EventSigns.HasUsage(data))
        {
            Usage = data.ToArray();
            if (cutUsage && EventSigns.HasNoChoices(data))
            {
                return Relayed.Nothing;
            }
        }

        Write(events, one, data, whole, to);
        return HasContent ? Relayed.Content : First(name, data);
    }

    private Relayed First(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        var content = EventSigns.HasContent(route, name, data);
        HasContent = content ?? true;
        return content switch
        {
            null => Relayed.Malformed,
            true => Relayed.Content,
            false => Relayed.Nothing,
        };
    }

    private void Write(SseBuffer events, in SseEvent one, ReadOnlySpan<byte> data, ReadOnlySpan<byte> whole, IBufferWriter<byte> to)
    {
        if (!cutTokenIds || one.DataLines != 1)
        {
            to.Write(whole);
            return;
        }

        to.Write(events.Of(one.Start, one.DataStart - one.Start));
        JsonCut.WithoutTokenIds(data, to);
        to.Write(events.Of(one.DataStart + one.DataLength, one.End - one.DataStart - one.DataLength));
    }
}
