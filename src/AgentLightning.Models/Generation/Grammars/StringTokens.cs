namespace AgentLightning.Models.Generation.Grammars;

/// <summary>
/// What tokens do within a text in quotes. Most of a vocabulary fits there, so it is gone through once: tokens are sorted by their
/// characters, and what fits where so many characters may come is ready for every text of every grammar.
/// </summary>
internal sealed class StringTokens
{
    // Behind a token at most an escape has begun, of which four bytes and the closing quote are missing.
    private const int MostBegun = 5;
    private readonly ulong[][] _upTo;
    private readonly (int Node, int Characters)[] _ends;
    private readonly int[] _allEnds;

    public StringTokens(TokenTrie trie, int words)
    {
        var places = new Places([]);
        var (byLength, ends) = (new List<ulong[]> { new ulong[words] }, new List<(int Node, int Characters)>());
        // The only part whose places are all its own: no state is ever of two.
        var path = new int[trie.Deepest + 1];
        path[0] = StringNode.BodyStart;
        var border = places.Of(BorderNode.One, 0, null);
        for (var i = 0; i < trie.Nodes.Length; )
        {
            ref readonly var node = ref trie.Nodes[i];
            places.List.Clear();
            StringNode.Counting.Step(path[node.Depth], node.Value, border, places);
            if (places.List is not [{ Node: StringNode } next])
            {
                if (places.List.Count > 0)
                {
                    ends.Add((i, StringNode.CharactersAt(path[node.Depth])));
                }

                i = node.Skip;
                continue;
            }

            path[node.Depth + 1] = next.At;
            var characters = StringNode.CharactersAt(next.At);
            foreach (var token in node.Tokens)
            {
                while (byLength.Count <= characters)
                {
                    byLength.Add(new ulong[words]);
                }

                byLength[characters][token >> 6] |= 1UL << (token & 63);
            }

            i++;
        }

        for (var length = 1; length < byLength.Count; length++)
        {
            for (var word = 0; word < words; word++)
            {
                byLength[length][word] |= byLength[length - 1][word];
            }
        }

        (_upTo, _ends, _allEnds) = ([.. byLength], [.. ends], [.. ends.Select(end => end.Node)]);
    }

    /// <param name="left">Fewest bytes to the end of the text.</param>
    public PartTokens At((int Least, int Most) room, long left) =>
        new(
            _upTo[Math.Min(room.Most, _upTo.Length - 1)],
            left + MostBegun,
            room is (0, >= int.MaxValue)
                ? _allEnds
                : [.. _ends.Where(end => end.Characters >= room.Least && end.Characters <= room.Most).Select(end => end.Node)]
        );
}
