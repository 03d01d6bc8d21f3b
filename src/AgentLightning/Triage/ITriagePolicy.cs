namespace AgentLightning.Triage;

/// <summary>Chooses a category for feedback, with a probability for each. Everything else of an analysis follows from the choice.</summary>
/// <remarks>Implementations may be called from many threads at once and do not change.</remarks>
public interface ITriagePolicy
{
    /// <summary>Its name in records.</summary>
    string Name { get; }

    /// <summary>The categories it chooses from.</summary>
    IReadOnlyList<string> Categories { get; }

    /// <summary>Writes ln π(category | feedback) for each category, in their order, and returns the index of the most likely one.</summary>
    int Score(FeedbackTask task, Span<float> logProbabilities);

    /// <summary>Why this category, in one sentence for people.</summary>
    string Explain(FeedbackTask task, int category);
}
