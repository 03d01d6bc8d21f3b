namespace AgentLightning.Models.Generation.Grammars;

/// <summary>
/// Which tokens may come where, for one grammar and one vocabulary. The vocabulary is gone through for a place in a part of the grammar,
/// not for all that is around the part: tokens that stay within it are the same wherever the part stands, and only the few that go beyond
/// its end are followed into what comes after. Both are kept.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class TokenConstraint
{
    private const int MostKept = 512,
        MostStates = 20_000;
    private readonly JsonGrammar _grammar;
    private readonly TokenTrie _trie;
    private readonly GrammarState[] _path;
    private readonly Dictionary<GrammarState, (ulong[] Mask, long Furthest)> _masks = [];
    private readonly Dictionary<(GrammarNode Node, int At), PartTokens> _parts = [];
    private readonly ulong[] _tight,
        _allowed;
    private GrammarStates _states;

    public TokenConstraint(JsonGrammar grammar, TokenTrie trie, int vocabulary)
    {
        (_grammar, _trie, _path) = (grammar, trie, new GrammarState[trie.Deepest + 1]);
        (_tight, _allowed) = (new ulong[(vocabulary + 63) / 64], new ulong[(vocabulary + 63) / 64]);
        var single = trie.Nodes.Where(node => node.Depth == 0 && node.Tokens.Length > 0).Select(node => node.Value).ToHashSet();
        // C0, C1 and what is above F4 are in no text.
        if (
            Enumerable
                .Range(0x20, 0xF5 - 0x20)
                .Select(value => (byte)value)
                .FirstOrDefault(value => value is not (0x7F or 0xC0 or 0xC1) && !single.Contains(value))
            is > 0
                and var missing
        )
        {
            throw new ArgumentException(
                $"The vocabulary has no token for the byte 0x{missing:X2} alone, so that a text of a given shape cannot always be ended. "
                    + $"Constrained decoding needs a tokenizer with all bytes."
            );
        }

        _states = new GrammarStates(grammar);
    }

    public GrammarState Start => _states.Start;

    public GrammarState After(GrammarState state, int token)
    {
        foreach (var value in _trie.BytesOf(token) ?? [])
        {
            state = state.Step(value);
        }

        return state;
    }

    /// <summary>
    /// A bit for each token that may come next and leaves at most <paramref name="left"/> bytes to a whole text. It is valid until the next
    /// call.
    /// </summary>
    /// <param name="ends">Tokens that end a text: they may come where it is whole, and nowhere else.</param>
    public ReadOnlySpan<ulong> Allowed(GrammarState state, int left, IReadOnlyList<int> ends)
    {
        Find(state, left).CopyTo(_allowed, 0);
        foreach (var token in ends.Where(token => token >> 6 < _allowed.Length))
        {
            var bit = 1UL << (token & 63);
            _allowed[token >> 6] = state.IsWhole ? _allowed[token >> 6] | bit : _allowed[token >> 6] & ~bit;
        }

        return _allowed;
    }

    private ulong[] Find(GrammarState state, int left)
    {
        if (_states.Count > MostStates)
        {
            // Completions on their way keep the states that they are in.
            _states = new GrammarStates(_grammar);
            _masks.Clear();
            _parts.Clear();
        }

        if (!_masks.TryGetValue(state, out var known))
        {
            if (_masks.Count == MostKept)
            {
                _masks.Clear();
            }

            var mask = new ulong[_tight.Length];
            _masks[state] = known = (mask, Compose(state, GrammarNode.Never - 1, mask));
        }

        if (known.Furthest <= left)
        {
            return known.Mask;
        }

        Array.Clear(_tight);
        Compose(state, left, _tight);
        return _tight;
    }

    /// <summary>Returns a number of bytes that no allowed token leaves more than.</summary>
    private long Compose(GrammarState state, long left, ulong[] mask)
    {
        var furthest = 0L;
        foreach (var place in state.Places)
        {
            if (place.Below is not { } below)
            {
                continue;
            }

            var part = PartOf(place);
            if (part.Furthest + below.Left > left)
            {
                Walk(_states.Of(place), 0, _trie.Nodes.Length, 0, left, mask);
                continue;
            }

            furthest = Math.Max(furthest, part.Furthest + below.Left);
            for (var i = 0; i < mask.Length; i++)
            {
                mask[i] |= part.Within[i];
            }

            var after = _states.Of(below);
            foreach (var end in part.Ends)
            {
                ref readonly var node = ref _trie.Nodes[end];
                furthest = Math.Max(furthest, Allow(node, after, left, mask));
                furthest = Math.Max(furthest, Walk(after, end + 1, node.Skip, node.Depth + 1, left, mask));
            }
        }

        return furthest;
    }

    private PartTokens PartOf(Place place)
    {
        if (!_parts.TryGetValue((place.Node, place.At), out var part))
        {
            if (_parts.Count == MostKept)
            {
                _parts.Clear();
            }

            _parts[(place.Node, place.At)] = part =
                place.Node is StringNode text && text.RoomAt(place.At) is { } room
                    ? _trie.Strings(_tight.Length).At(room, text.Left(place.At))
                    : PartTokens.Of(_states.Alone(place.Node, place.At), _trie, _path, _tight.Length);
        }

        return part;
    }

    /// <summary>Goes through a part of the tree, and returns the most bytes that any allowed token of it leaves.</summary>
    private long Walk(GrammarState state, int from, int to, int depth, long left, ulong[] mask)
    {
        _path[depth] = state;
        var furthest = 0L;
        for (var i = from; i < to; )
        {
            ref readonly var node = ref _trie.Nodes[i];
            var next = _path[node.Depth].Step(node.Value);
            if (next.IsDead)
            {
                i = node.Skip;
                continue;
            }

            _path[node.Depth + 1] = next;
            i++;
            furthest = Math.Max(furthest, Allow(node, next, left, mask));
        }

        return furthest;
    }

    private static long Allow(in TokenTrie.Node node, GrammarState after, long left, ulong[] mask)
    {
        if (after.Left > left || node.Tokens.Length == 0)
        {
            return 0;
        }

        foreach (var token in node.Tokens)
        {
            mask[token >> 6] |= 1UL << (token & 63);
        }

        return after.Left;
    }
}
