using System.Text;

namespace AgentLightning.Models.Tokenizers.Normalization;

/// <summary>Unicode normal forms (UAX 15): NFC, NFD, NFKC, NFKD.</summary>
internal static class UnicodeForm
{
    private const int HangulBase = 0xAC00,
        LeadBase = 0x1100,
        VowelBase = 0x1161,
        TailBase = 0x11A7;
    private const int Vowels = 21,
        Tails = 28,
        Leads = 19;

    /// <summary>The text in a normal form; the same object when it already is. Unpaired surrogates must have been replaced.</summary>
    public static string Normalize(string text, bool composed, bool compatible)
    {
        if (!MayChange(text, composed, compatible))
        {
            return text;
        }

        var points = Decompose(text, compatible);
        Order(points);
        if (composed)
        {
            Compose(points);
        }

        var result = new StringBuilder(text.Length);
        foreach (var point in points)
        {
            if (point < 0x10000)
            {
                result.Append((char)point);
            }
            else
            {
                result.Append(new Rune(point).ToString());
            }
        }

        return result.ToString();
    }

    private static bool MayChange(string text, bool composed, bool compatible)
    {
        var first = text.AsSpan()
            .IndexOfAnyExceptInRange(
                '\0',
                compatible ? '\u009F'
                    : composed ? '\u02FF'
                    : '\u00BF'
            );
        if (first < 0)
        {
            return false;
        }

        var table = NormalizationTable.Instance;
        var changing = table.Changing(composed, compatible);
        for (; first < text.Length; first++)
        {
            var c = text[first];
            if ((changing[c >> 6] & (1UL << (c & 63))) == 0)
            {
                continue;
            }

            if (!char.IsHighSurrogate(c) || table.MayChange(char.ConvertToUtf32(c, text[first + 1]), composed, compatible))
            {
                return true;
            }

            first++;
        }

        return false;
    }

    private static List<int> Decompose(string text, bool compatible)
    {
        var table = NormalizationTable.Instance;
        var points = new List<int>(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            var syllable = rune.Value - HangulBase;
            if (syllable is >= 0 and < Leads * Vowels * Tails)
            {
                points.Add(LeadBase + (syllable / (Vowels * Tails)));
                points.Add(VowelBase + (syllable % (Vowels * Tails) / Tails));
                if (syllable % Tails != 0)
                {
                    points.Add(TailBase + (syllable % Tails));
                }
            }
            else if (table.Decompose(rune.Value, compatible) is { } parts)
            {
                points.AddRange(parts);
            }
            else
            {
                points.Add(rune.Value);
            }
        }

        return points;
    }

    /// <summary>Sorts each run of combining marks by class, keeping the order of equals.</summary>
    private static void Order(List<int> points)
    {
        var table = NormalizationTable.Instance;
        for (var start = 0; start < points.Count; start++)
        {
            if (table.ClassOf(points[start]) == 0)
            {
                continue;
            }

            var end = start + 1;
            var sorted = true;
            for (; end < points.Count && table.ClassOf(points[end]) is var current && current != 0; end++)
            {
                sorted &= table.ClassOf(points[end - 1]) <= current;
            }

            if (!sorted)
            {
                var run = points.GetRange(start, end - start).OrderBy(table.ClassOf).ToList();
                for (var i = 0; i < run.Count; i++)
                {
                    points[start + i] = run[i];
                }
            }

            start = end;
        }
    }

    private static void Compose(List<int> points)
    {
        var table = NormalizationTable.Instance;
        int starter = -1,
            lastClass = 0,
            write = 0;
        for (var read = 0; read < points.Count; read++)
        {
            var point = points[read];
            var current = table.ClassOf(point);
            // A mark meets its starter unless one of the same or a higher class, or another starter, stands in between.
            var meets = starter >= 0 && (write == starter + 1 || (lastClass != 0 && lastClass < current));
            if (meets && Pair(points[starter], point, table) is var pair and >= 0)
            {
                points[starter] = pair;
                continue;
            }

            if (current == 0)
            {
                starter = write;
            }

            lastClass = current;
            points[write++] = point;
        }

        points.RemoveRange(write, points.Count - write);
    }

    private static int Pair(int first, int second, NormalizationTable table)
    {
        if (first is >= LeadBase and < LeadBase + Leads && second is >= VowelBase and < VowelBase + Vowels)
        {
            return HangulBase + ((((first - LeadBase) * Vowels) + second - VowelBase) * Tails);
        }

        var syllable = first - HangulBase;
        if (syllable is >= 0 and < Leads * Vowels * Tails && syllable % Tails == 0 && second is > TailBase and < TailBase + Tails)
        {
            return first + second - TailBase;
        }

        return table.Compose(first, second);
    }
}
