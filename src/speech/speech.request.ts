import { IsIn, IsOptional, Length, Matches } from 'class-validator';
import { LANGUAGES, type Language } from './languages.js';

export class SpeechRequest {
  @Length(1, 2000, { message: 'text must be 1 to 2000 characters' })
  @Matches(/\S/, { message: 'text must not be blank' })
  @Matches(/^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/u, {
    message: 'text must be well-formed, without control characters',
  })
  text!: string;

  @IsOptional()
  @IsIn(LANGUAGES, { message: `language must be one of ${LANGUAGES.join(', ')}` })
  language?: Language;
}
