namespace AgentLightning.Models.Generation.Grammars;

/// <summary>What tokens do from a place in one part of a grammar, whatever is around the part.</summary>
/// <param name="Within">A bit for each token that stays within it.</param>
/// <param name="Furthest">No such token leaves more bytes than that to the end of the part.</param>
/// <param name="Ends">Nodes of the tree of tokens after whose byte the part has ended.</param>
internal sealed record PartTokens(ulong[] Within, long Furthest, int[] Ends)
{
    public static PartTokens Of(GrammarState start, TokenTrie trie, GrammarState[] path, int words)
    {
        var (within, ends, furthest) = (new ulong[words], new List<int>(), 0L);
        path[0] = start;
        for (var i = 0; i < trie.Nodes.Length; )
        {
            ref readonly var node = ref trie.Nodes[i];
            var next = path[node.Depth].Step(node.Value);
            var (left, ended) = (-1L, false);
            foreach (var place in next.Places)
            {
                ended |= place.Node is BorderNode;
                left = place.Node is BorderNode ? left : Math.Max(left, place.Left);
            }

            if (ended)
            {
                ends.Add(i);
            }

            if (left < 0)
            {
                i = node.Skip;
                continue;
            }

            foreach (var token in node.Tokens)
            {
                within[token >> 6] |= 1UL << (token & 63);
                furthest = Math.Max(furthest, left);
            }

            path[node.Depth + 1] = next;
            i++;
        }

        return new PartTokens(within, furthest, [.. ends]);
    }
}
