using AgentLightning.Common;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Triage;

namespace AgentLightning.Engine;

/// <summary>Loads triage policies from checkpoints of text classifiers.</summary>
public sealed class TextClassifierLoader : ITriagePolicyLoader
{
    public ITriagePolicy? Load(string name, byte[] content)
    {
        // JSON and text begin with a character; the length of a checkpoint's header ends in zero bytes.
        if (content.Length < 8 || content[7] != 0)
        {
            return null;
        }

        try
        {
            return new TrainedTriagePolicy(name, TextClassifierCheckpoint.Read(content));
        }
        catch (InvalidDataException e)
        {
            throw new LightningException(ErrorKind.Corrupt, $"The model '{name}' cannot be loaded: {e.Message}", e);
        }
    }
}
