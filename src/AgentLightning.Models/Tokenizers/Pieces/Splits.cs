using System.Text;

namespace AgentLightning.Models.Tokenizers.Pieces;

/// <summary>What becomes of the matches of a splitting pattern. The names are those of tokenizer.json.</summary>
internal enum SplitBehavior
{
    Isolated,
    Removed,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>A part of a text that a pattern matched, or that lies between matches.</summary>
internal readonly record struct Segment(int Start, int End, bool Matched);

internal static class Segments
{
    /// <summary>Every character that matches is a segment of its own; the rest lies between.</summary>
    public static List<Segment> Of(ReadOnlySpan<char> text, Func<Rune, bool> match)
    {
        var segments = new List<Segment>();
        int from = 0,
            at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (match(rune))
            {
                AddBetween(segments, from, at, matched: false);
                from = at + rune.Utf16SequenceLength;
                segments.Add(new Segment(at, from, true));
            }

            at += rune.Utf16SequenceLength;
        }

        AddBetween(segments, from, text.Length, matched: false);
        return segments;
    }

    public static List<Segment> Of(ReadOnlySpan<char> text, PieceRegex regex, bool invert)
    {
        var matches = new List<(int Start, int Length)>();
        regex.Matches(text, matches);
        var segments = new List<Segment>(matches.Count * 2);
        var from = 0;
        foreach (var (start, length) in matches)
        {
            AddBetween(segments, from, start, invert);
            from = start + length;
            segments.Add(new Segment(start, from, !invert));
        }

        AddBetween(segments, from, text.Length, invert);
        return segments;
    }

    private static void AddBetween(List<Segment> segments, int start, int end, bool matched)
    {
        if (end > start)
        {
            segments.Add(new Segment(start, end, matched));
        }
    }
}

internal static class Splits
{
    public static void Apply(ReadOnlyMemory<char> text, List<Segment> segments, SplitBehavior behavior, List<ReadOnlyMemory<char>> output)
    {
        for (var i = 0; i < segments.Count; i++)
        {
            var (start, end, matched) = segments[i];
            switch (behavior)
            {
                case SplitBehavior.Removed when matched:
                    continue;
                case SplitBehavior.Contiguous:
                    while (i + 1 < segments.Count && segments[i + 1].Matched == matched)
                    {
                        end = segments[++i].End;
                    }

                    break;
                case SplitBehavior.MergedWithPrevious when !matched && i + 1 < segments.Count && segments[i + 1].Matched:
                case SplitBehavior.MergedWithNext when matched && i + 1 < segments.Count && !segments[i + 1].Matched:
                    end = segments[++i].End;
                    break;
            }

            output.Add(text[start..end]);
        }
    }
}
