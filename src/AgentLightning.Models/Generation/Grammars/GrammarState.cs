namespace AgentLightning.Models.Generation.Grammars;

/// <summary>
/// All places where a text so far may be. States are made when they are first reached, and kept: a step known is one look into a table.
/// </summary>
internal sealed class GrammarState
{
    private readonly GrammarStates _all;
    private readonly Place[] _places;
    private readonly GrammarState?[] _next = new GrammarState?[256];

    public GrammarState(GrammarStates all, Place[] places)
    {
        (_all, _places) = (all, places);
        Left = places.Length == 0 ? GrammarNode.Never : places.Min(place => place.Left);
    }

    /// <summary>Fewest bytes to a whole text; none lead to one when nothing fits.</summary>
    public long Left { get; }

    public bool IsDead => _places.Length == 0;

    public ReadOnlySpan<Place> Places => _places;

    /// <summary>Whether the text may end here.</summary>
    public bool IsWhole => _places.Any(place => place.Node is EndNode);

    /// <summary>Whether more may come.</summary>
    public bool GoesOn => _places.Any(place => place.Node is not EndNode);

    public GrammarState Step(byte value) => _next[value] ??= _all.After(_places, value);
}

/// <summary>The states of one grammar.</summary>
internal sealed class GrammarStates
{
    private readonly Dictionary<(GrammarNode Node, int At, Place? Below), Place> _places = [];
    private readonly Dictionary<Place[], GrammarState> _states = new(new SamePlaces());

    public GrammarStates(JsonGrammar grammar)
    {
        var places = new Places(_places);
        Start = Of([places.Of(grammar.Root, 0, places.Of(EndNode.One, 0, null))]);
    }

    public GrammarState Start { get; }

    public int Count => _states.Count;

    public GrammarState Of(Place place) => Of([place]);

    /// <summary>A place in one part, with a border behind it.</summary>
    public GrammarState Alone(GrammarNode node, int at)
    {
        var places = new Places(_places);
        return Of(places.Of(node, at, places.Of(BorderNode.One, 0, null)));
    }

    public GrammarState After(Place[] places, byte value)
    {
        var next = new Places(_places);
        foreach (var place in places)
        {
            if (place.Below is not null)
            {
                place.Node.Step(place.At, value, place.Below, next);
            }
        }

        return Of([.. next.List]);
    }

    private GrammarState Of(Place[] places)
    {
        if (!_states.TryGetValue(places, out var state))
        {
            _states[places] = state = new GrammarState(this, places);
        }

        return state;
    }

    /// <summary>Places are equal when they are one object, so lists of them are compared by these.</summary>
    private sealed class SamePlaces : IEqualityComparer<Place[]>
    {
        public bool Equals(Place[]? x, Place[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(Place[] places)
        {
            var hash = new HashCode();
            foreach (var place in places)
            {
                hash.Add(place);
            }

            return hash.ToHashCode();
        }
    }
}
