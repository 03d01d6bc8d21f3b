using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Tokenizers;

/// <summary>The groups that features belong to. Each is weighted and normalised by itself. Stored in models: only ever add at the end.</summary>
public enum FeatureGroup
{
    TitleWords,
    TitleCharacters,
    BodyWords,
    BodyCharacters,
    LeadWords,
    HeadingWords,
    Structure,
}

/// <summary>
/// Makes hashed features of a text: runs of words and runs of characters inside words, by field, and a few facts about its structure.
/// After <see cref="Extract"/>, feature i is <c>Buckets[i]</c> seen <c>Counts[i]</c> times, and the features of a group lie together.
/// </summary>
/// <remarks>Reuses its buffers and allocates nothing after warm-up; one instance per thread.</remarks>
internal sealed class NGramHasher
{
    public static readonly int GroupCount = Enum.GetValues<FeatureGroup>().Length;

    private const int LongestCharacterWord = 40;
    private readonly NGramOptions _options;
    private readonly uint _mask;
    private readonly ushort[] _countOfBucket;
    private readonly TextCleaner _cleaner = new();
    private readonly int[] _groupEnds = new int[GroupCount];
    private readonly uint[] _recentWords = new uint[4];
    private int[] _buckets = new int[4096];
    private int[] _counts = new int[4096];
    private int _length;

    public NGramHasher(NGramOptions options)
    {
        options.Validate();
        _options = options;
        _mask = (1u << options.BucketBits) - 1;
        _countOfBucket = new ushort[1 << options.BucketBits];
    }

    public ReadOnlySpan<int> Buckets => _buckets.AsSpan(0, _length);

    public ReadOnlySpan<int> Counts => _counts.AsSpan(0, _length);

    /// <summary>The features of one group as a range of <see cref="Buckets"/>.</summary>
    public Range RangeOf(FeatureGroup group) => (group == 0 ? 0 : _groupEnds[(int)group - 1]).._groupEnds[(int)group];

    public void Extract(in TextInput input)
    {
        _length = 0;
        _cleaner.Clean(input.Title, _options.MaxCharacters);
        var titleAsks = _cleaner.Text.Contains('?');
        var hasTitle = _cleaner.Text.Length > 0;
        AddWords(FeatureGroup.TitleWords, _cleaner.Text, _options.WordNGrams);
        AddCharacters(FeatureGroup.TitleCharacters, _cleaner.Text);

        _cleaner.Clean(input.Body, _options.MaxCharacters);
        var body = _cleaner.Text;
        AddWords(FeatureGroup.BodyWords, body, _options.WordNGrams);
        AddCharacters(FeatureGroup.BodyCharacters, body);
        // A lead as long as the whole body would say everything twice.
        AddWords(FeatureGroup.LeadWords, body.Length > _options.LeadCharacters ? body[.._options.LeadCharacters] : [], _options.WordNGrams);
        AddWords(FeatureGroup.HeadingWords, _cleaner.Headings, _options.WordNGrams);
        AddStructure(input, body, hasTitle, titleAsks);
    }

    private void AddStructure(in TextInput input, ReadOnlySpan<char> body, bool hasTitle, bool titleAsks)
    {
        const uint salt = (uint)FeatureGroup.Structure;
        var questions = body.Count('?');
        Add(Mix(1_000 + (uint)Math.Min(_cleaner.CodeBlocks, 3), salt));
        Add(Mix(1_010 + (uint)Math.Min(_cleaner.Urls, 3), salt));
        Add(Mix(1_020 + (uint)Math.Min(questions, 3), salt));
        Add(Mix(1_030 + (uint)(body.Contains('!') ? 1 : 0), salt));
        Add(Mix(1_040 + (uint)Log2(body.Length), salt));
        Add(Mix(1_060 + (uint)Log2(_cleaner.Lines), salt));
        Add(Mix(1_080 + (uint)Log2(_cleaner.Headings.Length), salt));
        if (hasTitle)
        {
            Add(Mix(1_100 + (titleAsks ? 1u : 0u), salt));
        }

        if (input.Tags is { } tags)
        {
            for (var i = 0; i < tags.Count; i++)
            {
                Add(Mix(Hash(tags[i]), salt + 100));
            }
        }

        EndGroup(FeatureGroup.Structure);
    }

    private void AddWords(FeatureGroup group, ReadOnlySpan<char> text, int longest)
    {
        var recent = 0;
        for (var i = 0; i < text.Length;)
        {
            var length = WordLength(text, i);
            if (length == 0)
            {
                i++;
                continue;
            }

            var word = Hash(text.Slice(i, length));
            i += length;
            var gram = word;
            Add(Mix(gram, (uint)group));
            for (var n = 1; n < longest && n <= recent; n++)
            {
                gram = (gram * 0x9E3779B1) ^ _recentWords[(recent - n) & 3];
                Add(Mix(gram, (uint)group + (16u * (uint)n)));
            }

            _recentWords[recent & 3] = word;
            recent++;
        }

        EndGroup(group);
    }

    private void AddCharacters(FeatureGroup group, ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length;)
        {
            var length = WordLength(text, i);
            if (length == 0)
            {
                i++;
                continue;
            }

            AddCharactersOfWord(group, text.Slice(i, Math.Min(length, LongestCharacterWord)));
            i += length;
        }

        EndGroup(group);
    }

    private void AddCharactersOfWord(FeatureGroup group, ReadOnlySpan<char> word)
    {
        // The word stands between two blanks, so that its beginning and end are features too.
        for (var start = -1; start <= word.Length - _options.CharMin + 1; start++)
        {
            var hash = 2166136261u;
            for (var n = 1; n <= _options.CharMax && start + n <= word.Length + 1; n++)
            {
                var at = start + n - 1;
                var c = at < 0 || at >= word.Length ? ' ' : word[at];
                hash = (hash ^ c) * 16777619u;
                if (n >= _options.CharMin)
                {
                    Add(Mix(hash, (uint)group + (256u * (uint)n)));
                }
            }
        }
    }

    private static int WordLength(ReadOnlySpan<char> text, int start)
    {
        var i = start;
        while (i < text.Length && IsWordCharacter(text[i]))
        {
            i++;
        }

        return i == start && text[start] is '?' or '!' ? 1 : i - start;
    }

    private static bool IsWordCharacter(char c) =>
        c is >= 'a' and <= 'z' or '0' or '_' or '\'' || (c >= 0x80 && char.IsLetter(c));

    private void Add(uint hash)
    {
        var bucket = hash & _mask;
        ref var count = ref _countOfBucket[bucket];
        if (count++ == 0)
        {
            if (_length == _buckets.Length)
            {
                Array.Resize(ref _buckets, _length * 2);
                Array.Resize(ref _counts, _length * 2);
            }

            _buckets[_length++] = (int)bucket;
        }
        else if (count == 0)
        {
            count = ushort.MaxValue;
        }
    }

    private void EndGroup(FeatureGroup group)
    {
        for (var i = RangeOf(group).Start.Value; i < _length; i++)
        {
            ref var count = ref _countOfBucket[_buckets[i]];
            _counts[i] = count;
            count = 0;
        }

        _groupEnds[(int)group] = _length;
    }

    private static uint Hash(ReadOnlySpan<char> text)
    {
        var hash = 2166136261u;
        foreach (var c in text)
        {
            hash = (hash ^ c) * 16777619u;
        }

        return hash;
    }

    /// <summary>Spreads a hash over all bits (the finaliser of MurmurHash3), with a salt for group and length.</summary>
    private static uint Mix(uint hash, uint salt)
    {
        hash ^= salt * 0x85EBCA6B;
        hash = (hash ^ (hash >> 16)) * 0x85EBCA6B;
        hash = (hash ^ (hash >> 13)) * 0xC2B2AE35;
        return hash ^ (hash >> 16);
    }

    private static int Log2(int value) => 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)value);
}
