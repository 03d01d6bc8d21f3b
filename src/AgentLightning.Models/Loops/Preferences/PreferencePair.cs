namespace AgentLightning.Models.Loops.Preferences;

/// <summary>Two answers to one prompt, of which one is preferred, as token ids. None is empty.</summary>
public sealed record PreferencePair(int[] Prompt, int[] Chosen, int[] Rejected);
