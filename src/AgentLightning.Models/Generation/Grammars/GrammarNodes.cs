namespace AgentLightning.Models.Generation.Grammars;

/// <summary>After everything: no byte fits.</summary>
internal sealed class EndNode : GrammarNode
{
    public static EndNode One { get; } = new();

    public override long Left(int at) => 0;

    public override void Step(int at, byte value, Place below, Places next) { }
}

/// <summary>Where a part ends, when it is looked at without what is around it.</summary>
internal sealed class BorderNode : GrammarNode
{
    public static BorderNode One { get; } = new();

    public override long Left(int at) => 0;

    public override void Step(int at, byte value, Place below, Places next) { }
}

/// <summary>What has no text.</summary>
internal sealed class NothingNode : GrammarNode
{
    public static NothingNode One { get; } = new();

    public override long Left(int at) => Never;

    public override void Step(int at, byte value, Place below, Places next) { }
}

/// <summary>Before everything: a blank, because some vocabularies have their words with one.</summary>
internal sealed class StartNode(GrammarNode root) : GrammarNode
{
    public override long Left(int at) => root.Shortest;

    public override void Step(int at, byte value, Place below, Places next)
    {
        if (at == 0 && value == ' ')
        {
            next.Add(this, 1, below);
        }
        else
        {
            root.Step(0, value, below, next);
        }
    }
}

/// <summary>One text.</summary>
internal sealed class LiteralNode(byte[] text) : GrammarNode
{
    public override long Left(int at) => text.Length - at;

    public override void Step(int at, byte value, Place below, Places next)
    {
        if (text[at] == value)
        {
            next.Add(at + 1 < text.Length ? next.Of(this, at + 1, below) : below);
        }
    }
}

/// <summary>Any one of several.</summary>
internal sealed class ChoiceNode(IReadOnlyList<GrammarNode> options) : GrammarNode
{
    // Only ever at its beginning: after a byte one is in an option.
    public override long Left(int at) => options.Min(option => option.Shortest);

    public override void Step(int at, byte value, Place below, Places next)
    {
        foreach (var option in options)
        {
            option.Step(0, value, below, next);
        }
    }
}

/// <summary>A number; its end is known only by what comes after it.</summary>
internal sealed class NumberNode(bool whole) : GrammarNode
{
    private const int Begin = 0,
        Minus = 1,
        Zero = 2,
        Digits = 3,
        Point = 4,
        Fraction = 5,
        Exponent = 6,
        ExponentSign = 7,
        ExponentDigits = 8;
    private const int Phases = 16,
        MostDigits = 15,
        MostExponentDigits = 2;

    public override long Left(int at) => Ends(at % Phases) ? 0 : 1;

    public override void Step(int at, byte value, Place below, Places next)
    {
        var (phase, count) = (at % Phases, at / Phases);
        var digit = value is >= (byte)'0' and <= (byte)'9';
        var to = phase switch
        {
            Begin when value == '-' => Minus,
            Begin or Minus when value == '0' => Zero,
            Begin or Minus when digit => Digits + Phases,
            Digits when digit && count < MostDigits => at + Phases,
            Zero or Digits when value == '.' && !whole => Point,
            Point when digit => Fraction + Phases,
            Fraction when digit && count < MostDigits => at + Phases,
            Zero or Digits or Fraction when value is (byte)'e' or (byte)'E' && !whole => Exponent,
            Exponent when value is (byte)'+' or (byte)'-' => ExponentSign,
            Exponent or ExponentSign when digit => ExponentDigits + Phases,
            ExponentDigits when digit && count < MostExponentDigits => at + Phases,
            _ => -1,
        };
        if (to >= 0)
        {
            next.Add(this, to, below);
            if (Ends(to % Phases))
            {
                next.Add(below);
            }
        }
    }

    private static bool Ends(int phase) => phase is Zero or Digits or Fraction or ExponentDigits;
}
