using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Tokenizers;

/// <summary>
/// The groups that features belong to. Each is weighted and normalised by itself. Stored in models: only ever add at the end.
/// </summary>
public enum FeatureGroup
{
    TitleWords,
    TitleCharacters,
    TitleFacts,
    BodyWords,
    BodyCharacters,
    LeadWords,
    AsideWords,
    Facts,
    Tags,
}

/// <summary>
/// Makes hashed features of a text: runs of words and runs of characters, by field, a few facts about its structure, and its tags.
/// After <see cref="Extract"/>, feature i is <c>Buckets[i]</c> seen <c>Counts[i]</c> times, and the features of a group lie together.
/// </summary>
/// <remarks>Reuses its buffers and allocates nothing after warm-up; one instance per thread.</remarks>
internal sealed class NGramHasher
{
    public static readonly int GroupCount = Enum.GetValues<FeatureGroup>().Length;

    /// <summary>Runs of characters say little more after this much of a body, and cost the most.</summary>
    private const int CharacterRunsWithin = 2_000;

    private const int AsideCharacters = 2_000;
    private readonly NGramOptions _options;
    private readonly uint _mask;
    private readonly ushort[] _countOfBucket;
    private readonly TextCleaner _cleaner = new();
    private readonly CharacterRuns _runs;
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
        _runs = new CharacterRuns(options.CharMin, options.CharMax);
    }

    public ReadOnlySpan<int> Buckets => _buckets.AsSpan(0, _length);

    public ReadOnlySpan<int> Counts => _counts.AsSpan(0, _length);

    /// <summary>The features of one group as a range of <see cref="Buckets"/>.</summary>
    public Range RangeOf(FeatureGroup group) => (group == 0 ? 0 : _groupEnds[(int)group - 1]).._groupEnds[(int)group];

    public void Extract(in TextInput input)
    {
        _length = 0;
        _cleaner.Clean(input.Title, _options.MaxCharacters, 0);
        AddWords(FeatureGroup.TitleWords, _cleaner.Text, _options.WordNGrams);
        AddCharacters(FeatureGroup.TitleCharacters, _cleaner.Text);
        AddTitleFacts(_cleaner.Text);

        _cleaner.Clean(input.Body, _options.MaxCharacters, AsideCharacters);
        var body = _cleaner.Text;
        AddWords(FeatureGroup.BodyWords, body, _options.WordNGrams);
        AddCharacters(FeatureGroup.BodyCharacters, body[..Math.Min(body.Length, CharacterRunsWithin)]);
        // A lead as long as the whole body would say everything twice.
        AddWords(FeatureGroup.LeadWords, body.Length > _options.LeadCharacters ? body[.._options.LeadCharacters] : [], _options.WordNGrams);
        AddWords(FeatureGroup.AsideWords, _cleaner.Aside, 1);
        AddFacts(body);
        AddTags(input.Tags);
    }

    private void AddTitleFacts(ReadOnlySpan<char> title)
    {
        if (title.Length > 0)
        {
            AddFact(0, title.Contains('?') ? 1 : 0);
            AddFact(1, Math.Min(title.Count('`'), 2));
            AddFact(2, Log2(title.Length));
            AddFact(3, title.Count(' '));
            AddFact(4, (int)Hash(FirstWord(title)));
            AddFact(5, (int)Hash(Prefix(title)));
        }

        EndGroup(FeatureGroup.TitleFacts);
    }

    private void AddFacts(ReadOnlySpan<char> body)
    {
        AddFact(10, Math.Min(_cleaner.CodeBlocks, 3));
        AddFact(11, Math.Min(_cleaner.Urls, 3));
        AddFact(12, Math.Min(body.Count('?'), 3));
        AddFact(13, body.Contains('!') ? 1 : 0);
        AddFact(14, Log2(body.Length));
        AddFact(15, Log2(_cleaner.Lines));
        AddFact(16, Log2(_cleaner.Headings));
        EndGroup(FeatureGroup.Facts);
    }

    private void AddTags(IReadOnlyList<string>? tags)
    {
        for (var i = 0; i < tags?.Count; i++)
        {
            AddFact(20, (int)Hash(tags[i]));
        }

        EndGroup(FeatureGroup.Tags);
    }

    private static ReadOnlySpan<char> FirstWord(ReadOnlySpan<char> text)
    {
        var start = 0;
        while (start < text.Length && WordLength(text, start) == 0)
        {
            start++;
        }

        return start < text.Length ? text.Slice(start, WordLength(text, start)) : [];
    }

    private void AddFact(uint kind, int value) => Add(Mix((uint)value, 1_000 + kind));

    /// <summary>The kind of thing that a title says it is about, as in "[Feature request] …" or "rpc: …".</summary>
    private static ReadOnlySpan<char> Prefix(ReadOnlySpan<char> title)
    {
        var end = title[..Math.Min(title.Length, 40)].IndexOfAny(']', ':');
        return end < 0 || (title[end] == ']') != (title[0] == '[') ? [] : title[..end];
    }

    private void AddWords(FeatureGroup group, ReadOnlySpan<char> text, int longest)
    {
        var recent = 0;
        for (var i = 0; i < text.Length; )
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

    /// <summary>
    /// Runs of characters, across words too; the text stands between two blanks, so that its beginning and end are features.
    /// </summary>
    private void AddCharacters(FeatureGroup group, ReadOnlySpan<char> text)
    {
        var hashes = _runs.Hash(text, (uint)group);
        var lengths = _options.CharMax - _options.CharMin + 1;
        for (var start = 0; start * lengths < hashes.Length; start++)
        {
            // Runs end with the blank behind the text.
            var fitting = Math.Min(lengths, text.Length + 3 - start - _options.CharMin);
            foreach (var hash in hashes.Slice(start * lengths, fitting))
            {
                Add(hash);
            }
        }

        EndGroup(group);
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

    private static bool IsWordCharacter(char c) => c is >= 'a' and <= 'z' or '0' or '_' or '\'' || (c >= 0x80 && char.IsLetter(c));

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
