using AgentLightning.Models.Objectives;

namespace AgentLightning.Testing;

/// <summary>
/// Knows the right label of each text and gives nothing away but numbers: 1 for an answer that is right, −1 for one that is not.
/// </summary>
public sealed class HiddenLabels(IReadOnlyList<int> rightLabels)
{
    private readonly List<float> _told = [];

    /// <summary>All that was ever told, in order.</summary>
    public IReadOnlyList<float> Told => _told;

    public Task<IReadOnlyList<float>> JudgeAsync(int round, IReadOnlyList<Sample> answers, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        float[] rewards = [.. answers.Select(answer => answer.Action == rightLabels[answer.Text] ? 1f : -1f)];
        _told.AddRange(rewards);
        return Task.FromResult<IReadOnlyList<float>>(rewards);
    }
}
