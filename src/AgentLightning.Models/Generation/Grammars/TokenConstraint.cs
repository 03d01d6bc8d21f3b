namespace AgentLightning.Models.Generation.Grammars;

/// <summary>Which tokens may come where, for one grammar and one vocabulary. What was found for a place is kept.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class TokenConstraint
{
    private const int MostKept = 1024;
    private readonly TokenTrie _trie;
    private readonly GrammarState[] _path;
    private readonly Dictionary<GrammarState, (ulong[] Mask, int Furthest)> _masks = [];
    private readonly ulong[] _tight, _allowed;

    public TokenConstraint(JsonGrammar grammar, TokenTrie trie, int vocabulary)
    {
        (_trie, _path) = (trie, new GrammarState[trie.Deepest + 1]);
        (_tight, _allowed) = (new ulong[(vocabulary + 63) / 64], new ulong[(vocabulary + 63) / 64]);
        var single = trie.Nodes.Where(node => node.Depth == 0 && node.Tokens.Length > 0).Select(node => node.Value).ToHashSet();
        // C0, C1 and what is above F4 are in no text.
        if (Enumerable.Range(0x20, 0xF5 - 0x20).Select(value => (byte)value).FirstOrDefault(value => value is not (0x7F or 0xC0 or 0xC1) && !single.Contains(value)) is > 0 and var missing)
        {
            throw new ArgumentException($"The vocabulary has no token for the byte 0x{missing:X2} alone, so that a text of a given shape cannot always be ended. Constrained decoding needs a tokenizer with all bytes.");
        }

        Start = new GrammarStates(grammar).Start;
    }

    public GrammarState Start { get; }

    public GrammarState After(GrammarState state, int token)
    {
        foreach (var value in _trie.BytesOf(token) ?? [])
        {
            state = state.Step(value);
        }

        return state;
    }

    /// <summary>A bit for each token that may come next and leaves at most <paramref name="left"/> bytes to a whole text. It is valid until the next call.</summary>
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
        if (!_masks.TryGetValue(state, out var known))
        {
            if (_masks.Count == MostKept)
            {
                _masks.Clear();
            }

            var mask = new ulong[_tight.Length];
            _masks[state] = known = (mask, Walk(state, int.MaxValue - 1, mask));
        }

        if (known.Furthest <= left)
        {
            return known.Mask;
        }

        Array.Clear(_tight);
        Walk(state, left, _tight);
        return _tight;
    }

    /// <summary>Returns the most bytes that any allowed token leaves.</summary>
    private int Walk(GrammarState state, int left, ulong[] mask)
    {
        _path[0] = state;
        var furthest = 0;
        for (var i = 0; i < _trie.Nodes.Length;)
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
            if (next.Left <= left)
            {
                foreach (var token in node.Tokens)
                {
                    furthest = Math.Max(furthest, next.Left);
                    mask[token >> 6] |= 1UL << (token & 63);
                }
            }
        }

        return furthest;
    }
}
