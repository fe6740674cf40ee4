import { IsString, Length } from 'class-validator';

export class LoginRequest {
  @IsString({ message: 'user must be text' })
  @Length(1, 255, { message: 'user must be 1 to 255 characters' })
  user!: string;

  @IsString({ message: 'password must be text' })
  @Length(1, 1000, { message: 'password must be 1 to 1000 characters' })
  password!: string;
}
