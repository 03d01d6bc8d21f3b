namespace AgentLightning.Models.Generation.Grammars;

/// <summary>
/// A part of a grammar. Where one is in it is a number, 0 before its first byte. It knows nothing of what is around it: the places of the parts that it lies in are kept
/// in a stack, each at where it goes on when the one above it has ended.
/// </summary>
internal abstract class GrammarNode
{
    /// <summary>Bytes of its shortest text.</summary>
    public int Shortest => Left(0);

    /// <summary>Fewest bytes to its end.</summary>
    public abstract int Left(int at);

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
    public int Left { get; } = node.Left(at) + (below?.Left ?? 0);
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
        if (!List.Contains(place))
        {
            List.Add(place);
        }
    }
}
