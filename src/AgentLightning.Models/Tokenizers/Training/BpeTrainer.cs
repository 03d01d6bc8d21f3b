using System.Runtime.InteropServices;
using System.Text;
using AgentLightning.Models.Tokenizers.Bpe;
using AgentLightning.Models.Tokenizers.Normalization;
using AgentLightning.Models.Tokenizers.Pieces;

namespace AgentLightning.Models.Tokenizers.Training;

/// <summary>
/// Learns a byte-level BPE from text. Begin with bytes; again and again make a token of the pair seen most often within pieces; stop when
/// there are enough tokens or no pair is frequent. Of pairs seen equally often the one with the lower ids goes first, so that the same text
/// always gives the same tokens.
/// </summary>
/// <remarks>Left out: dropout, a limit on the length of tokens, and threads.</remarks>
public static class BpeTrainer
{
    /// <summary>Learns from texts. Unpaired surrogates count as U+FFFD.</summary>
    public static TrainedTokenizer Train(
        IEnumerable<string> texts,
        BpeTrainerOptions options,
        CancellationToken cancellationToken = default
    )
    {
        options.Validate();
        var words = new Words(Count(texts, options.Family, cancellationToken));
        var tokens = Alphabet();
        var merges = new List<(string Left, string Right)>();
        while (
            tokens.Count < options.VocabularySize - options.SpecialTokens.Count
            && words.TryTakeBest(options.MinFrequency, out var left, out var right)
        )
        {
            cancellationToken.ThrowIfCancellationRequested();
            var merged = tokens[left] + tokens[right];
            merges.Add((tokens[left], tokens[right]));
            words.Merge(left, right, tokens.Count);
            tokens.Add(merged);
        }

        return new TrainedTokenizer(options, tokens, merges);
    }

    /// <summary>The 256 bytes in the order of their characters.</summary>
    private static List<string> Alphabet() =>
        [.. Enumerable.Range(0, 256).Select(value => ByteAlphabet.CharOf((byte)value)).Order().Select(c => c.ToString())];

    private static Dictionary<string, int> Count(IEnumerable<string> texts, TokenizerFamily family, CancellationToken cancellationToken)
    {
        var splitter = family switch
        {
            TokenizerFamily.Gpt2 => FamilySplitter.Gpt2,
            TokenizerFamily.Llama3 => FamilySplitter.Llama3,
            _ => FamilySplitter.Qwen2,
        };
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        var bySpan = counts.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var given in texts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var text = Tokenizer.WithoutLoneSurrogates(given);
            text = family == TokenizerFamily.Qwen2 ? UnicodeForm.Normalize(text, composed: true, compatible: false) : text;
            for (var start = 0; start < text.Length; )
            {
                var end = splitter.End(text, start);
                CollectionsMarshal.GetValueRefOrAddDefault(bySpan, text.AsSpan(start, end - start), out _)++;
                start = end;
            }
        }

        return counts;
    }

    /// <summary>The different pieces as rows of symbols, and how often each pair stands in them.</summary>
    private sealed class Words
    {
        private readonly int[][] _symbols;
        private readonly int[] _lengths;
        private readonly int[] _counts;
        private readonly Dictionary<(int Left, int Right), long> _pairs = [];
        private readonly Dictionary<(int Left, int Right), HashSet<int>> _places = [];
        private readonly PriorityQueue<(int Left, int Right), (long MinusCount, int Left, int Right)> _best = new();

        public Words(Dictionary<string, int> counts)
        {
            var idOfByte = new int[256];
            foreach (var (token, id) in Alphabet().Select((token, id) => (token, id)))
            {
                idOfByte[ByteAlphabet.ByteOf(token[0])] = id;
            }

            _symbols = [.. counts.Keys.Select(word => Array.ConvertAll(Encoding.UTF8.GetBytes(word), value => idOfByte[value]))];
            _lengths = Array.ConvertAll(_symbols, symbols => symbols.Length);
            _counts = [.. counts.Values];
            for (var word = 0; word < _symbols.Length; word++)
            {
                for (var i = 0; i + 1 < _lengths[word]; i++)
                {
                    Change((_symbols[word][i], _symbols[word][i + 1]), word, _counts[word]);
                }
            }

            foreach (var (pair, count) in _pairs)
            {
                _best.Enqueue(pair, (-count, pair.Left, pair.Right));
            }
        }

        public bool TryTakeBest(int minFrequency, out int left, out int right)
        {
            while (_best.TryDequeue(out var pair, out var key))
            {
                var count = _pairs.GetValueOrDefault(pair);
                if (count != -key.MinusCount)
                {
                    // Other merges took some of them since they were counted.
                    if (count > 0)
                    {
                        _best.Enqueue(pair, (-count, pair.Left, pair.Right));
                    }
                }
                else if (count >= minFrequency)
                {
                    (left, right) = pair;
                    return true;
                }
                else
                {
                    break;
                }
            }

            (left, right) = (-1, -1);
            return false;
        }

        public void Merge(int left, int right, int merged)
        {
            var grown = new HashSet<(int, int)>();
            _places.Remove((left, right), out var places);
            foreach (var word in places!)
            {
                Merge(word, left, right, merged, grown);
            }

            _pairs.Remove((left, right));
            foreach (var pair in grown)
            {
                if (_pairs.GetValueOrDefault(pair) is var count and > 0)
                {
                    _best.Enqueue(pair, (-count, pair.Item1, pair.Item2));
                }
            }
        }

        private void Merge(int word, int left, int right, int merged, HashSet<(int, int)> grown)
        {
            var symbols = _symbols[word];
            var length = _lengths[word];
            var write = 0;
            for (var read = 0; read < length; read++, write++)
            {
                if (read + 1 == length || symbols[read] != left || symbols[read + 1] != right)
                {
                    symbols[write] = symbols[read];
                    continue;
                }

                if (write > 0)
                {
                    Change((symbols[write - 1], left), word, -_counts[word]);
                    Change((symbols[write - 1], merged), word, _counts[word]);
                    grown.Add((symbols[write - 1], merged));
                }

                if (read + 2 < length)
                {
                    Change((right, symbols[read + 2]), word, -_counts[word]);
                    Change((merged, symbols[read + 2]), word, _counts[word]);
                    grown.Add((merged, symbols[read + 2]));
                }

                symbols[write] = merged;
                read++;
            }

            _lengths[word] = write;
        }

        private void Change((int Left, int Right) pair, int word, int by)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_pairs, pair, out _) += by;
            if (by > 0)
            {
                ref var places = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, pair, out _);
                (places ??= []).Add(word);
            }
        }
    }
}
