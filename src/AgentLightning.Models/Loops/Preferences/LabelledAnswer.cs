namespace AgentLightning.Models.Loops.Preferences;

/// <summary>An answer to a prompt that was liked or not, as token ids. None is empty.</summary>
public sealed record LabelledAnswer(int[] Prompt, int[] Completion, bool IsGood);
