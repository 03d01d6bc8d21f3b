using System.Globalization;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops;

/// <summary>Predicts what training a policy takes, and refuses what the machine cannot hold before any of it is allocated.</summary>
internal static class TrainingMemory
{
    /// <summary>Weights, gradients and both moments, the reference, and the activations of the largest pack.</summary>
    /// <param name="tokens">Most tokens computed at once.</param>
    /// <param name="sequence">Tokens of the longest sequence: it is computed as a whole.</param>
    /// <param name="besides">Bytes beside these.</param>
    /// <param name="most">What may be taken; null is all the process can have.</param>
    /// <exception cref="InvalidDataException">There is less memory than that; the message has both numbers and what to lower.</exception>
    public static void Check(LanguagePolicy policy, int tokens, int sequence, bool checkpointing, double besides, long? most, string help)
    {
        var atOnce = Math.Max(tokens, sequence);
        double trained = policy.Parameters.Where(parameter => parameter.IsTrained).Sum(parameter => (double)parameter.StoredCount);
        double weights =
            Stored(policy.Model.Parameters)
            + (policy.Adapter is null ? 0 : Stored(policy.Parameters))
            + (policy.Reference is null ? 0 : Stored(policy.Reference.Parameters));
        var steps = TrainingSession.EstimateBytes(policy.Model, atOnce, new TrainingSessionOptions { Checkpointing = checkpointing });
        MemoryBudget.Check(
            string.Create(CultureInfo.InvariantCulture, $"Training {trained / 1e6:F1} million parameters, {atOnce} tokens at once,"),
            weights + (3 * sizeof(float) * trained) + steps + besides,
            most,
            $" Compute fewer tokens at once, keep fewer activations (checkpointing), {help}, or train an adapter."
        );
    }

    private static double Stored(IEnumerable<Parameter> parameters) =>
        parameters.Sum(parameter => (double)parameter.StoredCount * parameter.Type.Size());
}
