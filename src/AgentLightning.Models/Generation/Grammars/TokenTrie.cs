using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Generation.Grammars;

/// <summary>The bytes of all tokens of a vocabulary as a tree, laid out as it is walked: a node, then all below it.</summary>
internal sealed class TokenTrie
{
    private readonly Dictionary<int, byte[]> _bytes;
    private StringTokens? _strings;

    /// <param name="vocabulary">Ids from here on are none of the model's.</param>
    public TokenTrie(Tokenizer tokenizer, int vocabulary)
    {
        var tokens = Enumerable
            .Range(0, Math.Min(tokenizer.VocabularySize, vocabulary))
            .Select(id => (Id: id, Bytes: tokenizer.BytesOf(id)))
            .Where(token => token.Bytes is { Length: > 0 })
            .Select(token => (token.Id, Bytes: token.Bytes!))
            .ToList();
        tokens.Sort((a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes));
        _bytes = tokens.ToDictionary(token => token.Id, token => token.Bytes);
        var nodes = new List<Node>();
        var open = new Stack<int>();
        for (var i = 0; i < tokens.Count; i++)
        {
            var bytes = tokens[i].Bytes;
            var shared = i == 0 ? 0 : bytes.AsSpan().CommonPrefixLength(tokens[i - 1].Bytes);
            Close(shared);
            for (var depth = shared; depth < bytes.Length; depth++)
            {
                open.Push(nodes.Count);
                nodes.Add(new Node(bytes[depth], depth, 0, []));
            }

            var last = open.Peek();
            nodes[last] = nodes[last] with { Tokens = [.. nodes[last].Tokens, tokens[i].Id] };
        }

        Close(0);
        Nodes = [.. nodes];
        Deepest = tokens.Count == 0 ? 0 : tokens.Max(token => token.Bytes.Length);

        void Close(int depth)
        {
            while (open.Count > depth)
            {
                var node = open.Pop();
                nodes[node] = nodes[node] with { Skip = nodes.Count };
            }
        }
    }

    public Node[] Nodes { get; }

    public int Deepest { get; }

    /// <summary>The same for all grammars.</summary>
    /// <param name="words">Of a mask.</param>
    public StringTokens Strings(int words) => _strings ??= new StringTokens(this, words);

    /// <summary>Null for tokens that are no text, such as special ones.</summary>
    public byte[]? BytesOf(int id) => _bytes.GetValueOrDefault(id);

    /// <param name="Skip">The node after all those below this one.</param>
    /// <param name="Tokens">Those that end here.</param>
    public readonly record struct Node(byte Value, int Depth, int Skip, int[] Tokens);
}
