namespace AgentLightning.Models.Tensors;

/// <summary>
/// What sees what in a pass over several sequences that lie one after the other. A family is a sequence and the tails that go on from it,
/// each of which sees the sequence and itself. The sequence is a block; of its tails each long one is, and short ones that fit into 32
/// tokens are one together, so that the kernel has rows enough.
/// </summary>
internal readonly unsafe struct AttentionBlocks
{
    private readonly int* _families,
        _blocks,
        _own;

    /// <param name="starts">First token of each sequence or tail, and after the last one the number of tokens.</param>
    /// <param name="tails">Whether each goes on from the last one before it that does not; or empty, when none does.</param>
    public AttentionBlocks(Arena arena, ReadOnlySpan<int> starts, ReadOnlySpan<bool> tails)
    {
        var sequences = starts.Length - 1;
        _families = arena.Take<int>(sequences + 1);
        _blocks = arena.Take<int>(sequences + 1);
        _own = arena.Take<int>(starts[^1]);
        var blocks = 0;
        for (var s = 0; s < sequences; s++)
        {
            var (isTail, length) = (!tails.IsEmpty && tails[s], starts[s + 1] - starts[s]);
            if (!isTail)
            {
                _families[Families++] = blocks;
                LongestSequence = Math.Max(LongestSequence, length);
            }

            if (!isTail || !tails[s - 1] || starts[s + 1] - _blocks[blocks - 1] > PanelKernel.Width)
            {
                _blocks[blocks++] = starts[s];
            }

            LongestTails = isTail ? Math.Max(LongestTails, starts[s + 1] - _blocks[blocks - 1]) : LongestTails;
            new Span<int>(_own + starts[s], length).Fill(starts[s]);
        }

        (_families[Families], _blocks[blocks]) = (blocks, starts[^1]);
    }

    public int Families { get; }

    /// <summary>Tokens of the longest sequence that begins at position 0.</summary>
    public int LongestSequence { get; }

    /// <summary>Tokens of the longest block of tails; 0 without tails.</summary>
    public int LongestTails { get; }

    /// <summary>The blocks of a family, the sequence first.</summary>
    public (int From, int To) Family(int index) => (_families[index], _families[index + 1]);

    public (int First, int Length) Block(int index) => (_blocks[index], _blocks[index + 1] - _blocks[index]);

    /// <summary>The first token of the sequence or tail that a token lies in.</summary>
    public int OwnStart(int token) => _own[token];
}
