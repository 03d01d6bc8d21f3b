namespace AgentLightning.Models.Tokenizers.Pieces;

/// <summary>What happens to a text before merges: steps that split it, and whether the model then works on bytes.</summary>
internal sealed class PreTokenizerPlan
{
    private readonly List<PreTokenizer> _steps = [];
    private FamilySplitter? _only;

    /// <summary>Whether pieces are merged byte by byte, in the alphabet of <see cref="Bpe.ByteAlphabet"/>.</summary>
    public bool ByteLevel { get; set; }

    /// <summary>The splitter when it is the whole plan: then no lists of pieces are needed.</summary>
    public FamilySplitter? Family => _steps.Count == 1 ? _only : null;

    public bool IsEmpty => _steps.Count == 0;

    public void Add(PreTokenizer step) => _steps.Add(step);

    public void Add(FamilySplitter splitter)
    {
        _only = splitter;
        _steps.Add(
            (piece, _, output) =>
            {
                var text = piece.Span;
                for (var start = 0; start < text.Length; )
                {
                    var end = splitter.End(text, start);
                    output.Add(piece[start..end]);
                    start = end;
                }
            }
        );
    }

    /// <summary>The pieces of a text.</summary>
    /// <param name="first">Whether the text stands at the very beginning.</param>
    public List<ReadOnlyMemory<char>> Split(ReadOnlyMemory<char> text, bool first)
    {
        List<ReadOnlyMemory<char>> pieces = [text],
            next = [];
        foreach (var step in _steps)
        {
            for (var i = 0; i < pieces.Count; i++)
            {
                if (!pieces[i].IsEmpty)
                {
                    step(pieces[i], first && i == 0, next);
                }
            }

            (pieces, next) = (next, pieces);
            next.Clear();
        }

        return pieces;
    }
}
