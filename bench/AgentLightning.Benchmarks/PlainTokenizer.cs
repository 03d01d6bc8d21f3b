using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Byte-level BPE as one would write it down first: the yardstick where no other tokenizer is at hand. For text without characters beyond
/// the BMP.
/// </summary>
internal sealed partial class PlainTokenizer
{
    private readonly Dictionary<string, int> _ranks = new(StringComparer.Ordinal);
    private readonly string[] _chars = new string[256];

    public PlainTokenizer(string folder)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer.json")));
        foreach (var merge in json.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray())
        {
            _ranks[merge.GetString()!] = _ranks.Count;
        }

        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            _chars[value] = ((char)(value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? value : next++)).ToString();
        }
    }

    public int Count(string text)
    {
        var count = 0;
        foreach (var match in Pieces().EnumerateMatches(text))
        {
            var symbols = Encoding.UTF8.GetBytes(text.Substring(match.Index, match.Length)).Select(value => _chars[value]).ToList();
            while (true)
            {
                int best = int.MaxValue,
                    at = -1;
                for (var i = 0; i + 1 < symbols.Count; i++)
                {
                    if (_ranks.TryGetValue(symbols[i] + " " + symbols[i + 1], out var rank) && rank < best)
                    {
                        (best, at) = (rank, i);
                    }
                }

                if (at < 0)
                {
                    break;
                }

                symbols[at] += symbols[at + 1];
                symbols.RemoveAt(at + 1);
            }

            count += symbols.Count;
        }

        return count;
    }

    [GeneratedRegex(
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Pieces();
}
