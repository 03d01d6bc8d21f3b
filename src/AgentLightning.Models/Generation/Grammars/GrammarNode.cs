namespace AgentLightning.Models.Generation.Grammars;

/// <summary>
/// A part of a grammar. Where one is in it is a number, 0 before its first byte. It knows nothing of what is around it: the places of the
/// parts that it lies in are kept in a stack, each at where it goes on when the one above it has ended.
/// </summary>
internal abstract class GrammarNode
{
    /// <summary>More bytes than any text has: what takes so many has no text.</summary>
    public const long Never = 1L << 40;

    private long _shortest = -1;

    /// <summary>Bytes of its shortest text; <see cref="Never"/> where it has none.</summary>
    public long Shortest => _shortest >= 0 ? _shortest : _shortest = Math.Min(Left(0), Never);

    /// <summary>Fewest bytes to its end.</summary>
    public abstract long Left(int at);

    /// <summary>Adds the places where one may be after one more byte; none when it does not fit.</summary>
    /// <param name="below">Where one is when this part has ended.</param>
    public abstract void Step(int at, byte value, Place below, Places next);
}

/// <summary>A place in a part, and in those around it.</summary>
internal sealed class Place(GrammarNode node, int at, Place? below)
{
    public GrammarNode Node => node;

    public int At => at;

    public Place? Below => below;

    /// <summary>Fewest bytes to the end of everything.</summary>
    public long Left { get; } = Math.Min(node.Left(at) + (below?.Left ?? 0), GrammarNode.Never);
}

/// <summary>The places where one may be at once. Equal places are one object.</summary>
internal sealed class Places(Dictionary<(GrammarNode Node, int At, Place? Below), Place> known)
{
    public List<Place> List { get; } = [];

    public Place Of(GrammarNode node, int at, Place? below)
    {
        if (!known.TryGetValue((node, at, below), out var place))
        {
            known[(node, at, below)] = place = new Place(node, at, below);
        }

        return place;
    }

    public void Add(GrammarNode node, int at, Place below) => Add(Of(node, at, below));

    public void Add(Place place)
    {
        // From a place that leads to no end nothing may come.
        if (place.Left < GrammarNode.Never && !List.Contains(place))
        {
            List.Add(place);
        }
    }
}
