namespace AgentLightning.Models.Generation.Grammars.Automata;

/// <summary>A part of a pattern: what texts it stands for.</summary>
internal abstract record Piece
{
    /// <summary>The empty text.</summary>
    public static Piece Empty { get; } = new Sequence([]);

    /// <summary>No text at all.</summary>
    public static Piece Nothing { get; } = new Choice([]);

    public static Piece Text(string text) => new Sequence([.. text.Select(c => new OneOf(CharacterSet.Of(c, c)))]);
}

/// <summary>One character of a set.</summary>
internal sealed record OneOf(CharacterSet Set) : Piece;

internal sealed record Sequence(IReadOnlyList<Piece> Parts) : Piece;

internal sealed record Choice(IReadOnlyList<Piece> Options) : Piece;

/// <param name="Most">Null for any number.</param>
internal sealed record Repeat(Piece Part, int Least, int? Most) : Piece;
