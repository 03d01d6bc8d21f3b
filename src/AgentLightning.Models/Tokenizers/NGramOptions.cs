namespace AgentLightning.Models.Tokenizers;

/// <summary>How text becomes hashed features. Stored with a model: a model only understands features made with its own options.</summary>
public sealed record NGramOptions
{
    /// <summary>Hash buckets as a power of two, 10…24; 18 (262,144 buckets) by default.</summary>
    public int BucketBits { get; init; } = 18;

    /// <summary>Longest run of words that is one feature, 1…4; 2 by default.</summary>
    public int WordNGrams { get; init; } = 2;

    /// <summary>Shortest run of characters that is one feature, 1…8; 3 by default.</summary>
    public int CharMin { get; init; } = 3;

    /// <summary>Longest run of characters that is one feature, from <see cref="CharMin"/> to 8; 4 by default.</summary>
    public int CharMax { get; init; } = 4;

    /// <summary>Characters of a field that are read, 100…1,000,000; 6,000 by default. What follows is ignored.</summary>
    public int MaxCharacters { get; init; } = 6_000;

    /// <summary>Characters at the start of the body that count a second time, as a field of their own, 0…10,000; 150 by default.</summary>
    public int LeadCharacters { get; init; } = 150;

    internal void Validate()
    {
        Check(nameof(BucketBits), BucketBits, 10, 24);
        Check(nameof(WordNGrams), WordNGrams, 1, 4);
        Check(nameof(CharMin), CharMin, 1, 8);
        Check(nameof(CharMax), CharMax, CharMin, 8);
        Check(nameof(MaxCharacters), MaxCharacters, 100, 1_000_000);
        Check(nameof(LeadCharacters), LeadCharacters, 0, 10_000);

        static void Check(string name, int value, int low, int high)
        {
            if (value < low || value > high)
            {
                throw new ArgumentOutOfRangeException(name, value, $"{name} must be from {low} to {high}, but it is {value}.");
            }
        }
    }
}
