namespace AgentLightning.Models.Generation.Grammars;

/// <summary>A text in quotes: whole characters of UTF-8, and escapes, but for those of halves of characters.</summary>
/// <param name="least">Fewest characters.</param>
/// <param name="most">Most characters; null for any number.</param>
internal sealed class StringNode(int least, int? most) : GrammarNode
{
    private const int Begin = 0,
        Body = 1,
        Escape = 2,
        Hex1 = 3,
        Hex2 = 4,
        Hex3 = 5,
        Hex4 = 6,
        HexAfterD = 7,
        Tail1 = 8,
        Tail2 = 9,
        Tail3 = 10;

    // What may follow E0, ED, F0 and F4 is narrower: no overlong forms, no halves, nothing beyond U+10FFFF.
    private const int AfterE0 = 11,
        AfterED = 12,
        AfterF0 = 13,
        AfterF4 = 14,
        Phases = 16;

    /// <summary>One that counts all characters of a token.</summary>
    public static StringNode Counting { get; } = new(0, 1_000_000);

    // Characters are counted only as far as it matters.
    private int Counted => most ?? least;

    /// <summary>Where one is between two characters: how many more must and may come before the end. Null at other places.</summary>
    public (int Least, int Most)? RoomAt(int at) =>
        at % Phases == Body ? (Math.Max(0, least - (at / Phases)), most is { } limit ? limit - (at / Phases) : int.MaxValue) : null;

    /// <summary>Characters since the beginning, one that is begun included.</summary>
    public static int CharactersAt(int at) => (at / Phases) + (at % Phases > Body ? 1 : 0);

    public static int BodyStart => Body;

    public override long Left(int at)
    {
        var (phase, count) = (at % Phases, at / Phases);
        var rest = 1 + Math.Max(0, least - count);
        return phase switch
        {
            Begin => 1 + rest,
            Body => rest,
            // Within a character, which counts when it ends.
            _ => ToEnd(phase) + 1 + Math.Max(0, least - count - 1),
        };
    }

    public override void Step(int at, byte value, Place below, Places next)
    {
        var (phase, count) = (at % Phases, at / Phases);
        if (phase == Body && value == '"')
        {
            if (count >= least)
            {
                next.Add(below);
            }

            return;
        }

        var to = phase switch
        {
            Begin => value == '"' ? Body : -1,
            Body when count == most => -1,
            Body => First(value),
            Escape => value == 'u' ? Hex1
            : "\"\\/bfnrt".Contains((char)value, StringComparison.Ordinal) ? Body
            : -1,
            Hex1 => value is (byte)'d' or (byte)'D' ? HexAfterD
            : IsHex(value) ? Hex2
            : -1,
            HexAfterD => value is >= (byte)'0' and <= (byte)'7' ? Hex3 : -1,
            Hex2 or Hex3 => IsHex(value) ? phase + 1 : -1,
            Hex4 => IsHex(value) ? Body : -1,
            AfterE0 => value is >= 0xA0 and <= 0xBF ? Tail1 : -1,
            AfterED => value is >= 0x80 and <= 0x9F ? Tail1 : -1,
            AfterF0 => value is >= 0x90 and <= 0xBF ? Tail2 : -1,
            AfterF4 => value is >= 0x80 and <= 0x8F ? Tail2 : -1,
            _ => value is < 0x80 or > 0xBF ? -1
            : phase == Tail1 ? Body
            : phase - 1,
        };
        if (to >= 0)
        {
            var ended = to == Body && phase != Begin;
            next.Add(this, to + (Phases * Math.Min(count + (ended ? 1 : 0), Counted)), below);
        }
    }

    private static int First(byte value) =>
        value switch
        {
            < 0x20 => -1,
            (byte)'\\' => Escape,
            < 0x80 => Body,
            < 0xC2 => -1,
            < 0xE0 => Tail1,
            0xE0 => AfterE0,
            0xED => AfterED,
            < 0xF0 => Tail2,
            0xF0 => AfterF0,
            < 0xF4 => Tail3,
            0xF4 => AfterF4,
            _ => -1,
        };

    private static int ToEnd(int phase) =>
        phase switch
        {
            Escape or Hex4 or Tail1 => 1,
            Hex3 or Tail2 or AfterE0 or AfterED => 2,
            Hex2 or HexAfterD or Tail3 or AfterF0 or AfterF4 => 3,
            _ => 4,
        };

    private static bool IsHex(byte value) => char.IsAsciiHexDigit((char)value);
}
